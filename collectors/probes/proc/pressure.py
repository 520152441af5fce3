"""Pressure stall information: time in which tasks waited for CPU, memory or I/O, from /proc/pressure."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

from collectors.kernel import procfs
from collectors.probe import Cost, Host, Metric, NoData
from collectors.readings import Counters, Series
from collectors.wire import Sample

_WAITING = "Time in which at least one task waited for {}."
_STALLED = "Time in which all non-idle tasks waited for {}."
# "full" of cpu is always zero for the whole host, and irq knows "full" only.
READ = {
    ("cpu", b"some"): ("pressure_cpu_waiting_seconds_total", _WAITING),
    ("io", b"some"): ("pressure_io_waiting_seconds_total", _WAITING),
    ("io", b"full"): ("pressure_io_stalled_seconds_total", _STALLED),
    ("memory", b"some"): ("pressure_memory_waiting_seconds_total", _WAITING),
    ("memory", b"full"): ("pressure_memory_stalled_seconds_total", _STALLED),
    ("irq", b"full"): ("pressure_irq_stalled_seconds_total", _STALLED),
}
RESOURCES = ("cpu", "io", "memory")


def parse(resource: str, text: bytes) -> dict[Series, float]:
    """Seconds by series, from lines such as `some avg10=0.00 avg60=0.00 avg300=0.00 total=1234` (µs)."""
    found: dict[Series, float] = {}
    for line in text.splitlines():
        kind, _, rest = line.partition(b" ")
        total = procfs.number(rest.rpartition(b"total=")[2])
        if total is not None and (resource, kind) in READ:
            found[READ[resource, kind][0], ()] = total / 1e6
    return found


class Pressure:
    """How long tasks waited for a resource. Throttled cgroups count as waiting for CPU: no proof by itself."""

    NAME = "pressure"
    COST: Cost = "cheap"
    INTERVAL_SECONDS = 5.0
    METRICS = tuple(
        Metric(name, "s", help.format(resource), counter=True) for (resource, _), (name, help) in READ.items()
    )

    def __init__(self) -> None:
        self._counters = Counters()

    def collect(self, host: Host) -> Iterator[Sample]:
        """Each resource's totals; interrupts' too where the kernel accounts them (CONFIG_IRQ_TIME_ACCOUNTING)."""
        root = host.proc / "pressure"
        if not procfs.is_directory(str(root)):
            raise NoData(
                "the kernel has no pressure stall information: it needs CONFIG_PSI (Linux 4.20) and psi=1"
            )
        found: dict[Series, float] = {}
        for resource in RESOURCES:
            found |= parse(resource, procfs.need(root, resource))
        with suppress(OSError):
            found |= parse("irq", procfs.read(f"{root}/irq"))
        yield from self._counters.points(host.now_ns, found)
