"""Connections as they come and go: how long connect() takes and how it fails, how many come in, how long they live."""

from __future__ import annotations

import errno
import struct
from collections.abc import Iterator
from functools import partial

from collectors.ebpf.cells import Cell, by_kind
from collectors.probe import Host, Metric
from collectors.probes.ebpf import endpoints, tally
from collectors.probes.ebpf.listening import Listening
from collectors.probes.ebpf.packed import Packed
from collectors.readings import Labels
from collectors.wire import Sample

CONNECT = "tcp_connect_seconds"
FAILURES = "tcp_connect_failures_total"
INCOMING = "tcp_incoming_connections_total"
LIFETIME = "tcp_connection_lifetime_seconds"
_CONNECTED, _FAILED, _CAME_IN, _ENDED = range(4)
_ERROR = struct.Struct("<I")
# The program gave up before the network answered: close() while connecting, or no local port was free.
GIVEN_UP = "given up"


class TcpLifecycle(Packed):
    """Cost: up to 1.5 µs a connection."""

    NAME = "tcp_lifecycle"
    METRICS: tuple[Metric, ...] = (
        Metric(CONNECT, "s", "Time from connect() until the connection was established.", ("dst", "netns")),
        Metric(
            FAILURES,
            "",
            "Connections that could not be established, by the socket's error.",
            ("dst", "error", "netns"),
            True,
        ),
        Metric(INCOMING, "", "Handshakes of a listener that came to their end.", ("listener", "netns"), True),
        Metric(
            LIFETIME,
            "s",
            "Time from established to closed, by listener where it came in, by destination where it went out.",
            ("listener", "dst", "netns"),
        ),
        *tally.ACCOUNT,
    )

    def told(self, host: Host, cells: list[Cell]) -> Iterator[Sample]:
        listening = Listening(host.proc)

        def kind(number: int) -> dict[Labels, tally.Tally]:
            return tally.tallies(by_kind(cells, number), partial(_labels, host, listening, number))

        yield from tally.histograms(CONNECT, "loglin20", host.now_ns, kind(_CONNECTED))
        yield from tally.counts(FAILURES, host.now_ns, kind(_FAILED))
        yield from tally.counts(INCOMING, host.now_ns, kind(_CAME_IN))
        yield from tally.histograms(LIFETIME, "loglin4", host.now_ns, kind(_ENDED))


def _labels(host: Host, listening: Listening, kind: int, group: bytes) -> Labels:
    end = endpoints.parse(group)
    if end.side == endpoints.INCOMING:
        return endpoints.with_netns(host.proc, end, ("listener", listening.name_of(end)))
    if kind != _FAILED:
        return endpoints.with_netns(host.proc, end, ("dst", end.name))
    (number,) = _ERROR.unpack_from(group, endpoints.ENDPOINT.size)
    error = errno.errorcode.get(number, str(number)) if number else GIVEN_UP
    return endpoints.with_netns(host.proc, end, ("dst", end.name), ("error", error))
