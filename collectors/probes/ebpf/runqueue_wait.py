"""How long threads that could run waited for a CPU, by service; waits for a cgroup's quota are told apart.

A wait counts as throttled when its group's quota kept it from running at some time during it, so it holds the time in
the run queue before and after as well. Kernel threads are told together. Each wait of a millisecond or more counts; of
shorter ones one of eight, drawn by lot, for eight.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from functools import partial

from collectors.ebpf.cells import Cell, by_kind
from collectors.probe import Host, Metric
from collectors.probes.ebpf import tally
from collectors.probes.ebpf.packed import Packed
from collectors.probes.ebpf.services import service_of
from collectors.readings import Labels
from collectors.wire import Sample

WAIT = "runqueue_wait_seconds"
THROTTLED = "runqueue_throttled_seconds"
_PROCESS = struct.Struct("<I")
_KINDS = (WAIT, THROTTLED)


class RunqueueWait(Packed):
    """Cost: up to 0.4 µs a context switch."""

    NAME = "runqueue_wait"
    METRICS: tuple[Metric, ...] = (
        Metric(WAIT, "s", "Time that threads waited for a CPU while they could run.", ("service",)),
        Metric(THROTTLED, "s", "Waits during which the cgroup's CPU quota was used up.", ("service",)),
        *tally.ACCOUNT,
    )

    def told(self, host: Host, cells: list[Cell]) -> Iterator[Sample]:
        for kind, metric in enumerate(_KINDS):
            found = tally.tallies(by_kind(cells, kind), partial(_labels, host))
            yield from tally.histograms(metric, "loglin4", host.now_ns, found)


def _labels(host: Host, group: bytes) -> Labels:
    (pid,) = _PROCESS.unpack(group)
    return (("service", service_of(host.proc, pid)),)
