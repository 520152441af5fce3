"""Packets that each CPU took from its backlog, and what it had to leave, from /proc/net/softnet_stat."""

from __future__ import annotations

from collections.abc import Iterator

from collectors.kernel import procfs
from collectors.probe import Cost, Host, Metric, NoData
from collectors.readings import Counters, Series, gauge
from collectors.wire import Sample

# Columns of softnet_seq_show, net/core/net-procfs.c.
COLUMNS = {
    0: ("softnet_processed_total", "Packets a CPU processed."),
    1: ("softnet_dropped_total", "Packets dropped because the CPU's backlog was full (netdev_max_backlog)."),
    2: ("softnet_times_squeezed_total", "Rounds that ended with work left (netdev_budget or its time)."),
    9: ("softnet_received_rps_total", "Times another CPU handed packets over (RPS)."),
    10: ("softnet_flow_limit_total", "Packets dropped by the flow limit."),
}
# Packets that wait in the CPU's backlog now, since Linux 5.10.
LENGTH_COLUMN = 11
LENGTH = "softnet_backlog_length"
_CPU_COLUMN = 12  # since Linux 5.10; before, line n is the nth online CPU
_HEX_DIGITS = frozenset(b"0123456789abcdefABCDEF")


def _fields(line: bytes) -> list[int] | None:
    fields = line.split()
    if len(fields) < 3 or any(len(field) != 8 or not _HEX_DIGITS.issuperset(field) for field in fields):
        return None
    return [int(field, 16) for field in fields]


def parse(text: bytes) -> tuple[dict[Series, float], dict[str, int]]:
    """Counts by CPU, and packets that wait by CPU."""
    found: dict[Series, float] = {}
    waiting: dict[str, int] = {}
    for row, line in enumerate(text.splitlines()):
        fields = _fields(line)
        if fields is None:
            continue
        cpu = fields[_CPU_COLUMN] if len(fields) > _CPU_COLUMN else row
        for column, (metric, _) in COLUMNS.items():
            if column < len(fields):
                found[metric, (("cpu", str(cpu)),)] = fields[column]
        if len(fields) > _CPU_COLUMN:
            waiting[str(cpu)] = fields[LENGTH_COLUMN]
    return found, waiting


class Softnet:
    """Whether the CPUs keep up with received packets. A squeeze alone, without drops, is no problem."""

    NAME = "softnet"
    COST: Cost = "cheap"
    INTERVAL_SECONDS = 5.0
    METRICS: tuple[Metric, ...] = (
        *(Metric(name, "", help, ("cpu",), True) for name, help in COLUMNS.values()),
        Metric(LENGTH, "", "Packets that wait in the CPU's backlog at this moment.", ("cpu",)),
    )

    def __init__(self) -> None:
        self._counters = Counters()

    def collect(self, host: Host) -> Iterator[Sample]:
        """One counter for each CPU and column; the file is the same in every network namespace."""
        found, waiting = parse(procfs.need(host.proc, "net/softnet_stat"))
        if not found:
            raise NoData(f"{host.proc}/net/softnet_stat has no line of a CPU")
        yield from self._counters.points(host.now_ns, found)
        for cpu, length in waiting.items():
            yield gauge(LENGTH, host.now_ns, length, {"cpu": cpu})
