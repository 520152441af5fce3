"""One row per service of the fleet: where it runs, how much it does, how fast, and how many findings it has."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from diagnose.reports import latest
from diagnose.reports.readings import Readings
from diagnose.store import histograms
from diagnose.store.series import SeriesRef

# What tells that a service is there, and what it takes.
CPU, THREADS = "service_run_seconds_total", "service_threads_waiting"
REQUESTS = ("http_server_seconds", "go_http_request_seconds")
METRICS = (CPU, THREADS, *REQUESTS)
_QUANTILE = 0.99


@dataclass(slots=True)
class ServiceRow:
    """`cpus` is CPU time per time on all hosts; None is not measured. `errors` is a share of `rate`."""

    service: str
    hosts: set[int] = field(default_factory=set)
    cpus: float | None = None
    rate: float | None = None
    errors: float | None = None
    p99_seconds: float | None = None
    findings: int = 0

    @property
    def cpu_seconds_per_request(self) -> float | None:
        return self.cpus / self.rate if self.cpus is not None and self.rate else None


def service_rows(
    readings: Readings, findings: Mapping[str, int], start_ns: int, end_ns: int
) -> list[ServiceRow]:
    """Those with findings first, then the busiest. `readings` have METRICS of the hosts; `findings` is by service."""
    rows: dict[str, ServiceRow] = {}
    for ref in readings.of(*METRICS):
        if name := ref.labels.get("service", ""):
            rows.setdefault(name, ServiceRow(name)).hosts.add(ref.host_id)
    for name, cpus in _cpus(readings, end_ns).items():
        rows[name].cpus = cpus
    for name, refs in requests_of(readings).items():
        _answer(rows[name], refs, start_ns, end_ns)
    for name, count in findings.items():
        rows.setdefault(name, ServiceRow(name)).findings = count
    return sorted(
        rows.values(), key=lambda row: (-row.findings, -(row.rate or 0), -(row.cpus or 0), row.service)
    )


def requests_of(readings: Readings) -> dict[str, list[SeriesRef]]:
    """What tells of each service's requests: those the kernel sees, else those Go's own handler tells."""
    found: dict[str, list[SeriesRef]] = {}
    for metric in REQUESTS:
        by_service: dict[str, list[SeriesRef]] = defaultdict(list)
        for ref in readings.of(metric):
            by_service[ref.labels.get("service", "")].append(ref)
        found = {name: refs for name, refs in by_service.items() if name} | found
    return found


def is_error(ref: SeriesRef) -> bool:
    """The server's own failures: what clients do wrong is not the service's error."""
    return ref.labels.get("status_class") == "5xx"


def _cpus(readings: Readings, end_ns: int) -> dict[str, float]:
    sums: dict[str, float] = defaultdict(float)
    for each in latest.of_readings(readings, (CPU,), end_ns)[CPU]:
        sums[each.ref.labels.get("service", "")] += each.value
    return {name: value for name, value in sums.items() if name}


def _answer(row: ServiceRow, refs: Sequence[SeriesRef], start_ns: int, end_ns: int) -> None:
    good, bad = (_counted(some, start_ns, end_ns) for some in _parted(refs))
    count = sum(one.count for one in (*good, *bad))
    if not count:
        return
    row.rate = count / ((end_ns - start_ns) / 1e9)
    row.errors = sum(one.count for one in bad) / count
    widest = max((*good, *bad), key=lambda one: one.count)
    row.p99_seconds = float(widest.whole().quantiles([_QUANTILE])[0][0])


def _parted(refs: Iterable[SeriesRef]) -> tuple[list[SeriesRef], list[SeriesRef]]:
    good = [ref for ref in refs if not is_error(ref)]
    return good, [ref for ref in refs if is_error(ref)]


def _counted(refs: Sequence[SeriesRef], start_ns: int, end_ns: int) -> list[histograms.HeatMap]:
    return histograms.merge(refs, start_ns, end_ns) if refs else []
