"""How often each kind of software interrupt ran on each CPU, from /proc/softirqs."""

from __future__ import annotations

import re
from collections.abc import Iterator

from collectors.kernel import procfs
from collectors.probe import Cost, Host, Metric, NoData
from collectors.readings import Counters, Series
from collectors.wire import Sample

METRIC = "softirqs_total"
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
    METRICS: tuple[Metric, ...] = (Metric(METRIC, "", "Software interrupts handled.", ("cpu", "type"), True),)

    def __init__(self) -> None:
        self._counters = Counters()

    def collect(self, host: Host) -> Iterator[Sample]:
        """One counter for each CPU and type."""
        found = parse(procfs.need(host.proc, "softirqs"))
        if not found:
            raise NoData(f"{host.proc}/softirqs has no counts")
        yield from self._counters.points(host.now_ns, found)
