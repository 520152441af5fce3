"""More about the watched processes than the process table tells: I/O, swap, faults, CPUs allowed, when they began."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from collectors.kernel import procfs
from collectors.probe import Cost, Host, Metric
from collectors.processes import watched
from collectors.processes.identity import Process
from collectors.readings import Counters, Series, gauge
from collectors.wire import Sample

_LABELS = ("pid", "service")
COUNTED = {
    b"read_bytes": ("process_io_read_bytes_total", "B", "Read from block devices."),
    b"write_bytes": (
        "process_io_written_bytes_total",
        "B",
        "Written to block devices, by the page cache too.",
    ),
    b"syscr": ("process_io_read_calls_total", "", "System calls that read."),
    b"syscw": ("process_io_write_calls_total", "", "System calls that wrote."),
}
MAJOR_FAULTS = "process_major_faults_total"
_SWAP, _CPUS = b"VmSwap", b"Cpus_allowed_list"
MOST_PROCESSES = 64


def parse_io(text: bytes) -> dict[bytes, int]:
    """Value by field, of lines such as `read_bytes: 4096`."""
    found = {}
    for line in text.splitlines():
        name, _, rest = line.partition(b": ")
        value = procfs.number(rest)
        if name in COUNTED and value is not None:
            found[name] = value
    return found


def parse_status(text: bytes) -> tuple[int | None, int | None]:
    """Bytes in swap and CPUs allowed, of /proc/PID/status."""
    fields = dict(line.partition(b":\t")[::2] for line in text.splitlines())
    kilobytes = fields.get(_SWAP, b"").split()
    swap = procfs.number(kilobytes[0]) if kilobytes else None
    cpus = count_cpus(fields.get(_CPUS, b"").strip())
    return (None if swap is None else swap * 1024), cpus


def count_cpus(text: bytes) -> int | None:
    """How many a list such as `0-3,8` names."""
    total = 0
    for part in text.split(b","):
        first, dash, last = part.partition(b"-")
        low, high = procfs.number(first), procfs.number(last if dash else first)
        if low is None or high is None or high < low:
            return None
        total += high - low + 1
    return total


class Details:
    """What tells an idle process from one that waits for its disk, its swap or the one CPU it is pinned to."""

    NAME = "details"
    COST: Cost = "moderate"
    INTERVAL_SECONDS = 10.0
    METRICS: tuple[Metric, ...] = (
        *(Metric(name, unit, text, _LABELS, True) for name, unit, text in COUNTED.values()),
        Metric(MAJOR_FAULTS, "", "Page faults that had to read from disk.", _LABELS, True),
        Metric("process_swap_bytes", "B", "Memory in swap.", _LABELS),
        Metric("process_allowed_cpus", "", "CPUs that the process may run on.", _LABELS),
        Metric("process_age_seconds", "s", "Time since it was started.", _LABELS),
    )

    def __init__(self) -> None:
        self._counters = Counters()

    def collect(self, host: Host) -> Iterator[Sample]:
        """NotYet without the process probe's choice."""
        processes = watched.of(host.proc).chosen()
        uptime = _uptime_seconds(host.proc)
        readings: dict[Series, float] = {}
        for process in processes[:MOST_PROCESSES]:
            labels = {"pid": str(process.pid), "service": process.service}
            yield from self._gauges(host, process, labels, uptime)
            readings |= _counters(host.proc, process, tuple(labels.items()))
        yield from self._counters.points(host.now_ns, readings)

    def _gauges(
        self, host: Host, process: Process, labels: dict[str, str], uptime: float | None
    ) -> Iterator[Sample]:
        swap, cpus = parse_status(_read(host.proc, process.pid, "status"))
        if swap is not None:
            yield gauge("process_swap_bytes", host.now_ns, swap, labels)
        if cpus is not None:
            yield gauge("process_allowed_cpus", host.now_ns, cpus, labels)
        if uptime is not None:
            age = max(0.0, uptime - process.start_ticks / procfs.TICKS_PER_SECOND)
            yield gauge("process_age_seconds", host.now_ns, age, labels)


def _counters(root: Path, process: Process, labels: tuple[tuple[str, str], ...]) -> dict[Series, float]:
    found: dict[Series, float] = {}
    for field, value in parse_io(_read(root, process.pid, "io")).items():
        found[COUNTED[field][0], labels] = value
    fields = _read(root, process.pid, "stat").rpartition(b") ")[2].split()
    faults = procfs.number(fields[9]) if len(fields) > 9 else None
    if faults is not None:
        found[MAJOR_FAULTS, labels] = faults
    return found


def _uptime_seconds(root: Path) -> float | None:
    try:
        whole, point, part = procfs.read(f"{root}/uptime").split(b" ", 1)[0].partition(b".")
    except OSError:
        return None
    seconds, hundredths = procfs.number(whole), procfs.number(part)
    return None if seconds is None or hundredths is None or not point else seconds + hundredths / 100


def _read(root: Path, pid: int, name: str) -> bytes:
    """Nothing of a process that is gone, or of another user's `io`."""
    try:
        return procfs.read_record(f"{root}/{pid}/{name}")
    except OSError:
        return b""
