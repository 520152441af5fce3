"""Latency of block devices: from a request's beginning, its time in the I/O scheduler included, until it is done."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from collectors.ebpf.cells import Cell
from collectors.probe import Cost, Host, Metric
from collectors.probes.ebpf import tally
from collectors.probes.ebpf.packed import Packed
from collectors.readings import Labels
from collectors.wire import Sample

LATENCY = "disk_io_seconds"
# As the program numbers them.
OPERATIONS = ("read", "write", "flush", "discard", "other")
_GROUP = struct.Struct("<HHI")


class BlockIo(Packed):
    """Cost: up to 1.2 µs a request."""

    NAME = "block_io"
    COST: Cost = "cheap"
    METRICS: tuple[Metric, ...] = (
        Metric(LATENCY, "s", "Time that requests to a block device took.", ("device", "operation")),
        *tally.ACCOUNT,
    )

    def told(self, host: Host, cells: list[Cell]) -> Iterator[Sample]:
        found = tally.tallies(cells, partial(_labels, host.sys))
        yield from tally.histograms(LATENCY, "loglin20", host.now_ns, found)


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
