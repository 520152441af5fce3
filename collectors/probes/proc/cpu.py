"""Time of every CPU by mode, context switches, runnable tasks and load, from /proc/stat and /proc/loadavg."""

from __future__ import annotations

from collections.abc import Iterator

from collectors.kernel import procfs
from collectors.probe import Cost, Host, Metric, NoData
from collectors.readings import Counters, Series, gauge
from collectors.wire import Sample

MODES = (b"user", b"nice", b"system", b"idle", b"iowait", b"irq", b"softirq", b"steal")
# Idle and iowait may step back when a CPU comes online again; node_exporter draws the line at 3 s too.
JITTER_SECONDS = 3.0


def parse_stat(text: bytes) -> tuple[dict[Series, float], dict[str, int]]:
    """Counters by series and gauges by metric. User time includes guests' time, as the kernel counts it."""
    counters: dict[Series, float] = {}
    gauges: dict[str, int] = {}
    for line in text.splitlines():
        if line.startswith(b"intr"):  # kilobytes on hosts with many interrupts, and not read here
            continue
        name, _, rest = line.partition(b" ")
        values = procfs.numbers(rest)
        if not values:
            continue
        if name.startswith(b"cpu") and name[3:].isdigit():
            _add_cpu(counters, name[3:].decode(), values)
        elif name == b"ctxt":
            counters["context_switches_total", ()] = values[0]
        elif name in (b"procs_running", b"procs_blocked"):
            gauges[name.decode()] = values[0]
    return counters, gauges


def _add_cpu(counters: dict[Series, float], cpu: str, ticks: list[int]) -> None:
    for mode, value in zip(MODES, ticks, strict=False):
        labels = (("cpu", cpu), ("mode", mode.decode()))
        counters["cpu_seconds_total", labels] = value / procfs.TICKS_PER_SECOND


def parse_load(text: bytes) -> float | None:
    """The load of the last minute."""
    whole, point, part = text.split(b" ", 1)[0].partition(b".")
    if not point or procfs.number(whole) is None or procfs.number(part) is None:
        return None
    return float(b"%b.%b" % (whole, part))


class Cpu:
    """Where the time of each CPU went."""

    NAME = "cpu"
    COST: Cost = "cheap"
    INTERVAL_SECONDS = 5.0
    METRICS: tuple[Metric, ...] = (
        Metric(
            "cpu_seconds_total",
            "s",
            "Time a CPU spent in a mode; all modes sum to 1/s.",
            ("cpu", "mode"),
            True,
        ),
        Metric("context_switches_total", "", "Switches from one task to another, all CPUs.", counter=True),
        Metric("procs_running", "", "Tasks that run or wait for a CPU at this moment."),
        Metric("procs_blocked", "", "Tasks that wait for disk I/O at this moment."),
        Metric("load1", "", "Load average of a minute; counts uninterruptible sleep too."),
    )

    def __init__(self) -> None:
        self._counters = Counters(JITTER_SECONDS)

    def collect(self, host: Host) -> Iterator[Sample]:
        """All of it from two files."""
        counters, gauges = parse_stat(procfs.need(host.proc, "stat"))
        if not counters:
            raise NoData(f"{host.proc}/stat has no line of a CPU")
        yield from self._counters.points(host.now_ns, counters)
        for metric, value in gauges.items():
            yield gauge(metric, host.now_ns, value)
        load = parse_load(procfs.need(host.proc, "loadavg"))
        if load is not None:
            yield gauge("load1", host.now_ns, load)
