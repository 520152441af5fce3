"""Latency of block devices: from a request's beginning, its time in the I/O scheduler included, until it is done."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from collectors.probe import Cost, Host, Metric
from collectors.probes.ebpf import tally
from collectors.readings import Labels
from collectors.wire import Sample

LATENCY = "disk_io_seconds"
# As the program numbers them.
OPERATIONS = ("read", "write", "flush", "discard", "other")
_GROUP = struct.Struct("<HHI")


class BlockIo:
    """Cost: up to 1.2 µs a request."""

    NAME = "block_io"
    COST: Cost = "cheap"
    INTERVAL_SECONDS = 10.0
    METRICS: tuple[Metric, ...] = (
        Metric(LATENCY, "s", "Time that requests to a block device took.", ("device", "operation")),
        *tally.ACCOUNT,
    )

    def __init__(self) -> None:
        self._source = tally.pack_of(__file__)

    def rest(self) -> None:
        self._source.rest()

    def collect(self, host: Host) -> Iterator[Sample]:
        drained = self._source.drain()
        found = tally.tallies(drained.cells, partial(_labels, host.sys))
        yield from tally.histograms(LATENCY, "loglin20", host.now_ns, found)
        yield from tally.account(self.NAME, host.now_ns, drained)


def _labels(sys: Path, group: bytes) -> Labels:
    major, minor, operation = _GROUP.unpack(group)
    return (("device", _name(sys, major, minor)), ("operation", OPERATIONS[operation]))


def _name(sys: Path, major: int, minor: int) -> str:
    """As /sys/block has it; the number of one that was taken away."""
    number = f"{major}:{minor}"
    try:
        return (sys / "dev/block" / number).readlink().name
    except OSError:
        return number
