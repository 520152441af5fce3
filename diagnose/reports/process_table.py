"""The processes of a host at one time: what each uses, and against which limit."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from diagnose.reports import latest
from diagnose.reports.readings import Readings
from diagnose.store.series import SeriesRef

METRICS = (
    "process_cpu_seconds_total",
    "process_resident_memory_bytes",
    "process_open_fds",
    "process_max_fds",
    "process_threads",
    "process_info",
)


@dataclass(frozen=True, slots=True)
class ProcessRow:
    """`cpus` is CPU time per time; None is not measured (another user's process, or gone)."""

    pid: int
    service: str
    name: str
    runtime: str
    cpus: float | None
    resident_bytes: float | None
    open_fds: float | None
    max_fds: float | None
    threads: float | None

    @property
    def fds_ratio(self) -> float | None:
        return self.open_fds / self.max_fds if self.open_fds is not None and self.max_fds else None

    @property
    def profiled(self) -> bool:
        """Whether stacks can be captured here: py-spy reads Python."""
        return self.runtime.startswith("python")


def process_rows(known: Readings, at_ns: int) -> list[ProcessRow]:
    """Busiest first. `known` has METRICS of one host."""
    readings = latest.of_readings(known, METRICS, at_ns)
    values: dict[int, dict[str, float]] = defaultdict(dict)
    refs: dict[int, dict[str, SeriesRef]] = defaultdict(dict)
    for metric, found in readings.items():
        for each in sorted(found, key=lambda one: one.time_ns):
            pid = each.ref.labels.get("pid", "")
            if pid.isdecimal():
                values[int(pid)][metric] = each.value
                refs[int(pid)][metric] = each.ref
    rows = [_row(pid, found, refs[pid]) for pid, found in values.items()]
    return sorted(rows, key=lambda row: (-(row.cpus or 0), -(row.resident_bytes or 0), row.pid))


def _row(pid: int, values: dict[str, float], refs: dict[str, SeriesRef]) -> ProcessRow:
    info = refs["process_info"].labels if "process_info" in refs else {}
    services = [ref.labels.get("service", "") for ref in refs.values()]
    return ProcessRow(
        pid=pid,
        service=info.get("service") or next(filter(None, services), ""),
        name=info.get("name", ""),
        runtime=info.get("runtime", ""),
        cpus=values.get("process_cpu_seconds_total"),
        resident_bytes=values.get("process_resident_memory_bytes"),
        open_fds=values.get("process_open_fds"),
        max_fds=values.get("process_max_fds"),
        threads=values.get("process_threads"),
    )
