"""How often each kind of software interrupt ran on each CPU, from /proc/softirqs, and what was left to ksoftirqd.

What does not fit into a round of interrupts is the work of a thread, `ksoftirqd/CPU`, which waits for the CPU as all
others do: how long it waits is how late packets are.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from collectors.kernel import procfs
from collectors.probe import Cost, Host, Metric, NoData
from collectors.processes import processtable
from collectors.readings import Counters, Series
from collectors.wire import Sample

METRIC = "softirqs_total"
RUN, DELAY = "ksoftirqd_run_seconds_total", "ksoftirqd_run_delay_seconds_total"
_THREAD = "ksoftirqd/"
MOST_THREADS = 64
_LINE = re.compile(rb"\s*([A-Z_]{1,20}):([ \d]*)")


def _rows(lines: list[bytes], width: int) -> Iterator[tuple[str, list[int]]]:
    for line in lines:
        match = _LINE.fullmatch(line)
        values = procfs.numbers(match[2]) if match else None
        if match and values and len(values) == width:
            yield match[1].decode(), values


def parse(text: bytes) -> dict[Series, float]:
    """Counts by CPU and type. A column of zeros only is a CPU that could be plugged in, and is left out."""
    header, _, body = text.partition(b"\n")
    cpus = [name[3:].decode() for name in header.split() if name.startswith(b"CPU") and name[3:].isdigit()]
    rows = dict(_rows(body.splitlines(), len(cpus)))
    alive = [at for at in range(len(cpus)) if any(values[at] for values in rows.values())]
    return {
        (METRIC, (("cpu", cpus[at]), ("type", kind))): values[at]
        for kind, values in rows.items()
        for at in alive
    }


class Softirqs:
    """Which CPU handles the software interrupts: NET_RX on one CPU only is an imbalance."""

    NAME = "softirqs"
    COST: Cost = "cheap"
    INTERVAL_SECONDS = 5.0
    METRICS: tuple[Metric, ...] = (
        Metric(METRIC, "", "Software interrupts handled.", ("cpu", "type"), True),
        Metric(RUN, "s", "Time on a CPU of the thread that does what did not fit.", ("cpu",), True),
        Metric(DELAY, "s", "Time in which that thread was ready to run and another ran.", ("cpu",), True),
    )

    def __init__(self) -> None:
        self._counters = Counters()
        self._threads: dict[int, str] = {}

    def collect(self, host: Host) -> Iterator[Sample]:
        """One counter for each CPU and type."""
        found = parse(procfs.need(host.proc, "softirqs"))
        if not found:
            raise NoData(f"{host.proc}/softirqs has no counts")
        yield from self._counters.points(host.now_ns, found | self._left(host.proc))

    def _left(self, root: Path) -> dict[Series, float]:
        """Nothing in a container that does not see the kernel's threads, and before the process table was read."""
        found: dict[Series, float] = {}
        self._threads = self._threads or _threads(root)
        for pid, cpu in self._threads.items():
            values = _schedstat(f"{root}/{pid}/schedstat")
            if values is None:
                self._threads = {}
                break
            found[RUN, (("cpu", cpu),)], found[DELAY, (("cpu", cpu),)] = values
        return found


def _threads(root: Path) -> dict[int, str]:
    """CPU by pid."""
    found = [stat for stat in processtable.of(root).named(_THREAD) if stat.kernel]
    return {stat.pid: stat.name.removeprefix(_THREAD) for stat in found[:MOST_THREADS]}


def _schedstat(path: str) -> tuple[float, float] | None:
    """Seconds on a CPU, and in the run queue (Documentation/scheduler/sched-stats.rst)."""
    try:
        values = procfs.numbers(procfs.read_record(path))
    except OSError:
        return None
    return (values[0] * 1e-9, values[1] * 1e-9) if values and len(values) == 3 else None
