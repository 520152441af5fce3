"""How long handlers of software interrupts run, by vector: whether the network, the timers or the disks hold a CPU.

The dearest of all packs where the network is busy, so it rests most of the time there.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from collectors.ebpf.cells import Cell
from collectors.probe import Cost, Host, Metric
from collectors.probes.ebpf import tally
from collectors.probes.ebpf.packed import Packed
from collectors.readings import Labels
from collectors.wire import Sample

TIME = "softirq_seconds"
# enum of include/linux/interrupt.h; the names are those of /proc/softirqs.
VECTORS = ("HI", "TIMER", "NET_TX", "NET_RX", "BLOCK", "IRQ_POLL", "TASKLET", "SCHED", "HRTIMER", "RCU")
_GROUP = struct.Struct("<I")


class SoftirqTime(Packed):
    """Cost: up to 0.5 µs a run of a handler, of which a busy host has as many as packets."""

    NAME = "softirq_time"
    COST: Cost = "dear"
    EVENT_SECONDS = 0.5e-6  # of entry and exit together; measured by bench/ebpf.py
    METRICS: tuple[Metric, ...] = (
        Metric(TIME, "s", "Time that a run of a software interrupt's handler took.", ("vector",)),
        *tally.ACCOUNT,
    )

    def told(self, host: Host, cells: list[Cell]) -> Iterator[Sample]:
        yield from tally.histograms(TIME, "loglin4", host.now_ns, tally.tallies(cells, _labels))


def _labels(group: bytes) -> Labels:
    (number,) = _GROUP.unpack(group)
    return (("vector", VECTORS[number] if number < len(VECTORS) else str(number)),)
