"""Hosts × services: which service is at work where, and where a finding holds; the worst of a fleet at one look."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from diagnose.models import Finding
from diagnose.reports import latest
from diagnose.reports.readings import Readings

_CPU = "service_run_seconds_total"
METRICS = (_CPU,)
_MOST_SERVICES = 14
# Shares of one CPU from which a cell is a step darker.
_STEPS = (0.01, 0.1, 0.5, 1.0)


@dataclass(frozen=True, slots=True)
class Cell:
    """`cpus` is CPU time per time, None where the service is not; `rank` of the worst finding there, 0 without one."""

    service: str
    cpus: float | None
    rank: int
    finding_id: str

    @property
    def step(self) -> int:
        """How dark: 0 to 4."""
        return sum((self.cpus or 0) >= least for least in _STEPS)


@dataclass(frozen=True, slots=True)
class Row:
    host_id: int
    name: str
    cells: list[Cell]


@dataclass(frozen=True, slots=True)
class Grid:
    services: list[str]
    rows: list[Row]


def grid(names: Mapping[int, str], findings: Iterable[Finding], at_ns: int) -> Grid:
    """Of these hosts, in this order; the services with findings first, then those that take most CPU."""
    cpus: dict[tuple[int, str], float] = defaultdict(float)
    readings = Readings.of_hosts(list(names), METRICS)
    for each in latest.of_readings(readings, METRICS, at_ns)[_CPU] if names else []:
        cpus[each.ref.host_id, each.ref.labels.get("service", "")] += each.value
    worst: dict[tuple[int, str], Finding] = {}
    for finding in findings:
        if finding.explained_by_id is None and finding.host_id in names:
            worst.setdefault((finding.host_id, finding.service), finding)
    services = _services(cpus, worst)
    rows = [
        Row(host_id, name, [_cell(host_id, one, cpus, worst) for one in services])
        for host_id, name in names.items()
    ]
    return Grid(services, rows)


def _services(cpus: Mapping[tuple[int, str], float], worst: Mapping[tuple[int, str], Finding]) -> list[str]:
    """A finding of the whole host stands under no service: its column comes first."""
    taken: dict[str, float] = defaultdict(float)
    for (_host, service), value in cpus.items():
        taken[service] += value
    ill = list(dict.fromkeys(service for _host, service in worst))
    busy: Sequence[str] = sorted(taken, key=lambda service: (-taken[service], service))
    ordered = sorted(ill, key=lambda service: service != "") + [
        service for service in busy if service and service not in ill
    ]
    return ordered[:_MOST_SERVICES]


def _cell(
    host_id: int,
    service: str,
    cpus: Mapping[tuple[int, str], float],
    worst: Mapping[tuple[int, str], Finding],
) -> Cell:
    finding = worst.get((host_id, service))
    rank, finding_id = (finding.rank, finding.pk) if finding else (0, "")
    return Cell(service, cpus.get((host_id, service)), rank, finding_id)
