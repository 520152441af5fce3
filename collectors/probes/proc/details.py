"""More about the watched processes than the process table tells: I/O, swap, faults, CPUs allowed, when they began.

How long they waited for their disks is counted by the kernel where `kernel.task_delayacct` is 1: off by default since
Linux 5.14, and a process that was there before it was switched on is not counted.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from collectors.kernel import procfs
from collectors.probe import Cost, Host, Metric, NoData
from collectors.processes import watched
from collectors.processes.identity import Process
from collectors.readings import Counters, Increases, Series, count, gauge
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
IO_DELAY = "process_io_delay_seconds_total"
_SWAP, _CPUS = b"VmSwap", b"Cpus_allowed_list"
MOST_PROCESSES = 64
MOST_THREADS = 64
_DELAY_FIELD = 39  # of those behind the name: the 42nd of proc_pid_stat(5)


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
        Metric(IO_DELAY, "s", "Time that threads waited for block devices, swap too.", _LABELS, True),
        Metric("process_swap_bytes", "B", "Memory in swap.", _LABELS),
        Metric("process_allowed_cpus", "", "CPUs that the process may run on.", _LABELS),
        Metric("process_age_seconds", "s", "Time since it was started.", _LABELS),
    )

    def __init__(self) -> None:
        self._counters = Counters()
        self._delays: Increases[tuple[int, int]] = Increases()

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
        if _accounts_delays(host.proc):
            yield from self._io_delays(host, processes[:MOST_PROCESSES])

    def _io_delays(self, host: Host, processes: list[Process]) -> Iterator[Sample]:
        """By process. The kernel counts by thread, and what a thread counted is gone with it."""
        readings = {
            (process.pid, thread): ticks
            for process in processes
            for thread, ticks in _delays(host.proc, process.pid)
        }
        sums: dict[int, float] = {}
        for (pid, _), ticks in self._delays.since_last(readings).items():
            sums[pid] = sums.get(pid, 0.0) + ticks / procfs.TICKS_PER_SECOND
        for process in processes:
            if process.pid in sums:
                labels = {"pid": str(process.pid), "service": process.service}
                yield count(IO_DELAY, host.now_ns, sums[process.pid], labels)

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


def _accounts_delays(root: Path) -> bool:
    """Kernels before 5.14 have no such setting, and count unless they were started with `nodelayacct`."""
    try:
        return procfs.read(f"{root}/sys/kernel/task_delayacct").strip() != b"0"
    except OSError:
        return b"nodelayacct" not in _read_file(f"{root}/cmdline")


def _delays(root: Path, pid: int) -> Iterator[tuple[int, int]]:
    """Ticks of each thread."""
    try:
        threads = procfs.pids(f"{root}/{pid}/task")[:MOST_THREADS]
    except NoData:  # it ended
        return
    for thread in threads:
        fields = _read(root, pid, f"task/{thread}/stat").rpartition(b") ")[2].split()
        ticks = procfs.number(fields[_DELAY_FIELD]) if len(fields) > _DELAY_FIELD else None
        if ticks is not None:
            yield thread, ticks


def _uptime_seconds(root: Path) -> float | None:
    try:
        whole, point, part = procfs.read(f"{root}/uptime").split(b" ", 1)[0].partition(b".")
    except OSError:
        return None
    seconds, hundredths = procfs.number(whole), procfs.number(part)
    return None if seconds is None or hundredths is None or not point else seconds + hundredths / 100


def _read(root: Path, pid: int, name: str) -> bytes:
    """Nothing of a process that is gone, or of another user's `io`."""
    return _read_file(f"{root}/{pid}/{name}")


def _read_file(path: str) -> bytes:
    try:
        return procfs.read_record(path)
    except OSError:
        return b""
