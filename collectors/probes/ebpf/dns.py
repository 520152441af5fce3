"""How long name servers take to answer, by server and by the service that asked.

Seen are questions over connected UDP sockets, as the C library asks them. When it asks a second time on the same
socket, the wait counts from the first; a question that is never answered is not told.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from functools import partial

from collectors.ebpf.cells import Cell
from collectors.probe import Cost, Host, Metric
from collectors.probes.ebpf import endpoints, tally
from collectors.probes.ebpf.packed import Packed
from collectors.probes.ebpf.services import service_of
from collectors.readings import Labels
from collectors.wire import Sample

WAIT = "dns_seconds"
_PROCESS = struct.Struct("<I")


class Dns(Packed):
    """Cost: up to 1 µs a question, and 0.1 µs each read and write of other sockets."""

    NAME = "dns"
    COST: Cost = "cheap"
    METRICS: tuple[Metric, ...] = (
        Metric(
            WAIT, "s", "Time from asking a name server until its answer is read.", ("dst", "service", "netns")
        ),
        *tally.ACCOUNT,
    )

    def told(self, host: Host, cells: list[Cell]) -> Iterator[Sample]:
        found = tally.tallies(cells, partial(_labels, host))
        yield from tally.histograms(WAIT, "loglin20", host.now_ns, found)


def _labels(host: Host, group: bytes) -> Labels:
    end = endpoints.parse(group)
    (pid,) = _PROCESS.unpack_from(group, endpoints.ENDPOINT.size)
    return endpoints.with_netns(host.proc, end, ("dst", end.name), ("service", service_of(host.proc, pid)))
