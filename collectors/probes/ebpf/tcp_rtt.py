"""Round-trip times of TCP: the smoothed time (srtt) of a connection, taken with segments that it receives: with each of
the first eight, then with one of eight, which is drawn by lot and counts for eight.

Busy connections weigh more, as what their users wait for does. Incoming connections are told by local port, outgoing
ones by destination.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from collectors.ebpf.cells import Cell
from collectors.probe import Host, Metric
from collectors.probes.ebpf import endpoints, tally
from collectors.probes.ebpf.packed import Packed
from collectors.readings import Labels
from collectors.wire import Sample

RTT = "tcp_rtt_seconds"
DESTINATION_RTT = "tcp_destination_rtt_seconds"


class TcpRtt(Packed):
    """Cost: up to 0.15 µs a received segment."""

    NAME = "tcp_rtt"
    METRICS: tuple[Metric, ...] = (
        Metric(RTT, "s", "Smoothed round-trip time of connections to a local port.", ("port", "netns")),
        Metric(DESTINATION_RTT, "s", "Smoothed round-trip time to a destination.", ("dst", "netns")),
        *tally.ACCOUNT,
    )

    def told(self, host: Host, cells: list[Cell]) -> Iterator[Sample]:
        sides = {endpoints.INCOMING: RTT, endpoints.OUTGOING: DESTINATION_RTT}
        for side, metric in sides.items():
            of_side = (cell for cell in cells if endpoints.parse(cell.group).side == side)
            found = tally.tallies(of_side, partial(_labels, host))
            yield from tally.histograms(metric, "loglin20", host.now_ns, found)


def _labels(host: Host, group: bytes) -> Labels:
    end = endpoints.parse(group)
    own = ("dst", end.name) if end.side == endpoints.OUTGOING else ("port", str(end.port))
    return endpoints.with_netns(host.proc, end, own)
