"""Segments that TCP had to send again, by whom they were for.

Outgoing connections are told by destination, incoming ones by local port and the peer's address: a loss that one peer
has is that peer's, a loss that all have is ours.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from collectors.ebpf.cells import Cell, by_kind
from collectors.probe import Cost, Host, Metric
from collectors.probes.ebpf import endpoints, tally
from collectors.probes.ebpf.packed import Packed
from collectors.readings import Labels
from collectors.wire import Sample

RETRANSMITS = "tcp_peer_retransmits_total"
# As the program numbers them.
KINDS = ("data", "syn", "syn-ack")


class TcpRetransmits(Packed):
    """Cost: up to 3 µs a segment that is sent again."""

    NAME = "tcp_retransmits"
    COST: Cost = "cheap"
    METRICS: tuple[Metric, ...] = (
        Metric(
            RETRANSMITS,
            "",
            "Segments sent again: data, the first of an outgoing handshake (syn), the answer of an incoming one "
            "(syn-ack).",
            ("dst", "port", "peer", "segment", "netns"),
            True,
        ),
        *tally.ACCOUNT,
    )

    def told(self, host: Host, cells: list[Cell]) -> Iterator[Sample]:
        for kind, segment in enumerate(KINDS):
            found = tally.tallies(by_kind(cells, kind), partial(_labels, host, segment))
            yield from tally.counts(RETRANSMITS, host.now_ns, found)


def _labels(host: Host, segment: str, group: bytes) -> Labels:
    end, kind = endpoints.parse(group), ("segment", segment)
    if end.side == endpoints.OUTGOING:
        return endpoints.with_netns(host.proc, end, ("dst", end.name), kind)
    peer = endpoints.shown(group[endpoints.ENDPOINT.size :]).strip("[]")
    return endpoints.with_netns(host.proc, end, ("port", str(end.port)), ("peer", peer), kind)
