"""Where connections come from: of each listener the networks (/24 of IPv4, /48 of IPv6) that open the most.

Counted are handshakes that came to their end, so an address is nobody's invention; a flood of SYN packets with invented
ones shows in `netstat`. The program tells some thousand networks apart in an interval, those that come often first of
all; what finds no room is counted as lost.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from collectors.ebpf.cells import Cell
from collectors.probe import Cost, Host, Metric
from collectors.probes.ebpf import endpoints, tally
from collectors.probes.ebpf.listening import Listening
from collectors.probes.ebpf.packed import Packed
from collectors.readings import Labels
from collectors.wire import Sample

CONNECTIONS = "listener_source_connections_total"
# The busiest in an interval; the rest are told together.
MOST_PREFIXES = tally.Limit("prefix", within="listener", most=20)


class ConnectionSources(Packed):
    """Cost: up to 0.6 µs a connection that comes in."""

    NAME = "connection_sources"
    COST: Cost = "cheap"
    METRICS: tuple[Metric, ...] = (
        Metric(
            CONNECTIONS,
            "",
            "Handshakes of a listener that came to their end, by the network of the peer.",
            ("listener", "prefix", "netns"),
            True,
        ),
        *tally.ACCOUNT,
    )

    def told(self, host: Host, cells: list[Cell]) -> Iterator[Sample]:
        found = tally.tallies(cells, partial(_labels, host, Listening(host.proc)), MOST_PREFIXES)
        yield from tally.counts(CONNECTIONS, host.now_ns, found)


def _labels(host: Host, listening: Listening, group: bytes) -> Labels:
    end = endpoints.parse(group)
    network = endpoints.shown(group[endpoints.ENDPOINT.size :])
    prefix = f"{network.strip('[]')}/{48 if network.startswith('[') else 24}"
    return endpoints.with_netns(host.proc, end, ("listener", listening.name_of(end)), ("prefix", prefix))
