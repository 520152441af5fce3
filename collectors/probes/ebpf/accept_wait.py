"""How long connections wait in the accept queue: from the end of the handshake until accept() returned them.

Only what was accepted is told; a connection still in the queue shows in `listener_accept_queue_length`. Connections
that are accepted through io_uring pass the system call by, and are not seen.
"""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Iterator
from functools import partial

from collectors.ebpf.cells import Cell
from collectors.probe import Host, Metric
from collectors.probes.ebpf import endpoints, tally
from collectors.probes.ebpf.listening import Listening
from collectors.probes.ebpf.packed import Packed
from collectors.probes.ebpf.services import process_of, service_of
from collectors.probes.net import reuseport
from collectors.readings import Labels, count
from collectors.wire import Sample

WAIT = "accept_wait_seconds"
_ACCEPTED = struct.Struct("<II")  # process, inode of the listening socket


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
        Metric(
            reuseport.ACCEPTS,
            "",
            "Connections accepted from one of several sockets that listen on one address.",
            reuseport.LABELS,
            True,
        ),
        *tally.ACCOUNT,
    )

    def told(self, host: Host, cells: list[Cell]) -> Iterator[Sample]:
        listening = Listening(host.proc)
        found = tally.tallies(cells, partial(_labels, host, listening))
        yield from tally.histograms(WAIT, "loglin4", host.now_ns, found)
        yield from _shares(host, cells)


def _labels(host: Host, listening: Listening, group: bytes) -> Labels:
    end = endpoints.parse(group)
    pid, _ = _ACCEPTED.unpack_from(group, endpoints.ENDPOINT.size)
    listener, service = ("listener", listening.name_of(end)), ("service", service_of(host.proc, pid))
    return endpoints.with_netns(host.proc, end, listener, service)


def _shares(host: Host, cells: list[Cell]) -> Iterator[Sample]:
    """Of the members of each group, of those that accepted nothing too."""
    accepted: Counter[int] = Counter()
    members = reuseport.of(host.proc).all()
    for cell in cells if members else ():
        pid, inode = _ACCEPTED.unpack_from(cell.group, endpoints.ENDPOINT.size)
        if inode in members:
            accepted[inode] += cell.count
            members[inode].process = process_of(host.proc, pid) or members[inode].process
    for inode, member in members.items():
        yield count(reuseport.ACCEPTS, host.now_ns, accepted[inode], member.labels)
