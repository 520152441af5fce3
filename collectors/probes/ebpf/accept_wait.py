"""How long connections wait in the accept queue: from the end of the handshake until accept() returned them.

Only what was accepted is told; a connection still in the queue shows in `listener_accept_queue_length`. Connections
that are accepted through io_uring pass the system call by, and are not seen.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from functools import partial

from collectors.ebpf.cells import Cell
from collectors.probe import Host, Metric
from collectors.probes.ebpf import endpoints, tally
from collectors.probes.ebpf.listening import Listening
from collectors.probes.ebpf.packed import Packed
from collectors.probes.ebpf.services import service_of
from collectors.readings import Labels
from collectors.wire import Sample

WAIT = "accept_wait_seconds"
_PROCESS = struct.Struct("<I")


class AcceptWait(Packed):
    """Cost: up to 2 µs a connection, and 5-9 ns each system call of the host while any is traced."""

    NAME = "accept_wait"
    METRICS: tuple[Metric, ...] = (
        Metric(
            WAIT,
            "s",
            "Time from the end of the handshake until accept() returned the connection.",
            ("listener", "service", "netns"),
        ),
        *tally.ACCOUNT,
    )

    def told(self, host: Host, cells: list[Cell]) -> Iterator[Sample]:
        listening = Listening(host.proc)
        found = tally.tallies(cells, partial(_labels, host, listening))
        yield from tally.histograms(WAIT, "loglin4", host.now_ns, found)


def _labels(host: Host, listening: Listening, group: bytes) -> Labels:
    end = endpoints.parse(group)
    (pid,) = _PROCESS.unpack_from(group, endpoints.ENDPOINT.size)
    listener, service = ("listener", listening.name_of(end)), ("service", service_of(host.proc, pid))
    return endpoints.with_netns(host.proc, end, listener, service)
