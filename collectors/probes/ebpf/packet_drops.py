"""Packets that the kernel dropped, by the reason it gives.

A reason's number differs from kernel to kernel; its name is in the running kernel's description of the tracepoint.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator, Mapping
from functools import partial

from collectors.ebpf import support, tracefs
from collectors.ebpf.cells import Cell
from collectors.probe import Cost, Host, Metric, NoData
from collectors.probes.ebpf import tally
from collectors.probes.ebpf.packed import Packed
from collectors.readings import Labels
from collectors.wire import Sample

DROPS = "packet_drops_total"
_TRACEPOINT = "skb/kfree_skb"
_REASON = re.compile(r'\{\s*(\d+)\s*,\s*"(\w+)"\s*\}')
# Freed without having been dropped: what was read to its end, and what says nothing.
_NO_DROPS = frozenset({"NOT_DROPPED_YET", "CONSUMED"})
_GROUP = struct.Struct("<I")


class PacketDrops(Packed):
    """Cost: up to 2.4 µs a dropped packet."""

    NAME = "packet_drops"
    COST: Cost = "cheap"
    METRICS: tuple[Metric, ...] = (
        Metric(
            DROPS,
            "",
            "Packets that the kernel dropped, by its reason (linux/dropreason.h).",
            ("reason",),
            True,
        ),
        *tally.ACCOUNT,
    )

    def __init__(self) -> None:
        super().__init__()
        self._reasons: dict[int, str] = {}

    def collect(self, host: Host) -> Iterator[Sample]:
        # Asked first: a host that lacks eBPF says so, and one without names is not made to count in vain.
        if not self._reasons and not support.missing():
            self._reasons = _read_reasons()
        yield from super().collect(host)

    def told(self, host: Host, cells: list[Cell]) -> Iterator[Sample]:
        found = tally.tallies(cells, partial(_labels, self._reasons))
        told = {labels: each for labels, each in found.items() if labels[0][1] not in _NO_DROPS}
        yield from tally.counts(DROPS, host.now_ns, told)


def _labels(reasons: Mapping[int, str], group: bytes) -> Labels:
    (number,) = _GROUP.unpack(group)
    return (("reason", reasons.get(number, str(number))),)


def parse_reasons(description: str) -> dict[int, str]:
    """Name by number, of a tracepoint's `format` file."""
    return {int(number): name for number, name in _REASON.findall(description)}


def _read_reasons() -> dict[int, str]:
    try:
        return parse_reasons(tracefs.read(f"events/{_TRACEPOINT}/format"))
    except OSError as error:
        raise NoData(
            f"the names of drop reasons cannot be read from tracefs: {error.strerror}; mount it or grant CAP_SYS_ADMIN"
        ) from None
