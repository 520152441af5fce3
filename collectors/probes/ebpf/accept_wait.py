"""How long connections wait in the accept queue: from the end of the handshake until accept() returned them.

Only what was accepted is told; a connection still in the queue shows in `listener_accept_queue_length`. Connections
that are accepted through io_uring pass the system call by, and are not seen.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from functools import partial

from collectors.probe import Cost, Host, Metric
from collectors.probes.ebpf import endpoints, tally
from collectors.probes.ebpf.listening import Listening
from collectors.probes.ebpf.services import service_of
from collectors.readings import Labels
from collectors.wire import Sample

WAIT = "accept_wait_seconds"
_PROCESS = struct.Struct("<I")


class AcceptWait:
    """Cost: up to 2 µs a connection, and 5-9 ns each system call of the host while any is traced."""

    NAME = "accept_wait"
    COST: Cost = "moderate"
    INTERVAL_SECONDS = 10.0
    METRICS: tuple[Metric, ...] = (
        Metric(
            WAIT,
            "s",
            "Time from the end of the handshake until accept() returned the connection.",
            ("listener", "service", "netns"),
        ),
        *tally.ACCOUNT,
    )

    def __init__(self) -> None:
        self._source = tally.pack_of(__file__)

    def rest(self) -> None:
        self._source.rest()

    def collect(self, host: Host) -> Iterator[Sample]:
        drained = self._source.drain()
        listening = Listening(host.proc)
        found = tally.tallies(drained.cells, partial(_labels, host, listening))
        yield from tally.histograms(WAIT, "loglin4", host.now_ns, found)
        yield from tally.account(self.NAME, host.now_ns, drained)


def _labels(host: Host, listening: Listening, group: bytes) -> Labels:
    end = endpoints.parse(group)
    (pid,) = _PROCESS.unpack_from(group, endpoints.ENDPOINT.size)
    listener, service = ("listener", listening.name_of(end)), ("service", service_of(host.proc, pid))
    return endpoints.with_netns(host.proc, end, listener, service)
