"""TLS handshakes of servers, without a key: the version, what the client would like to speak, whether a session was
resumed, and the time from reading the ClientHello until reading the first application data.

What is seen are the system calls, from a connection's first byte on: STARTTLS, a proxy's own line before the handshake,
QUIC, io_uring and TLS inside the kernel pass by. With client certificates or early data in TLS 1.3 the time may end a
record too early.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from functools import partial

from collectors.ebpf.cells import Cell, by_kind
from collectors.probe import Cost, Host, Metric
from collectors.probes.ebpf import endpoints, tally
from collectors.probes.ebpf.listening import Listening
from collectors.probes.ebpf.packed import Packed
from collectors.probes.ebpf.services import service_of
from collectors.readings import Labels
from collectors.wire import Sample

HANDSHAKES = "tls_handshakes_total"
TIME = "tls_handshake_seconds"
FAILURES = "tls_handshake_failures_total"
_ANSWERED, _COMPLETED, _FAILED = range(3)
_REST = struct.Struct("<IBBBB")
# As the program numbers them: by the minor half of the version, and by what the client names first.
VERSIONS = {1: "1.0", 2: "1.1", 3: "1.2", 4: "1.3"}
OFFERS = ("unknown", "none", "h2", "http/1.1", "other")
# The alerts that end handshakes; RFC 8446, section 6.
ALERTS = {
    10: "unexpected_message",
    40: "handshake_failure",
    42: "bad_certificate",
    47: "illegal_parameter",
    48: "unknown_ca",
    50: "decode_error",
    70: "protocol_version",
    71: "insufficient_security",
    80: "internal_error",
    109: "missing_extension",
    112: "unrecognized_name",
    116: "certificate_required",
    120: "no_application_protocol",
}

_Rest = tuple[int, int, int, int, int]


class TlsHandshakes(Packed):
    """Cost: up to 10 µs a handshake, and 0.15 µs each read and write of other connections."""

    NAME = "tls_handshakes"
    COST: Cost = "moderate"
    METRICS: tuple[Metric, ...] = (
        Metric(
            HANDSHAKES,
            "",
            "Handshakes that a server answered, by version, by what the client would like to speak (ALPN) and by "
            "whether a session was resumed.",
            ("listener", "service", "version", "alpn", "resumed", "netns"),
            True,
        ),
        Metric(
            TIME,
            "s",
            "Time from reading a ClientHello until reading the first application data.",
            ("listener", "service", "version", "resumed", "netns"),
        ),
        Metric(
            FAILURES,
            "",
            "Handshakes that a server ended, by its alert.",
            ("listener", "service", "alert", "netns"),
            True,
        ),
        *tally.ACCOUNT,
    )

    def told(self, host: Host, cells: list[Cell]) -> Iterator[Sample]:
        listening = Listening(host.proc)

        def kind(number: int, told: Callable[[_Rest], Labels]) -> dict[Labels, tally.Tally]:
            return tally.tallies(by_kind(cells, number), partial(_labels, host, listening, told))

        yield from tally.counts(HANDSHAKES, host.now_ns, kind(_ANSWERED, _answered))
        yield from tally.histograms(TIME, "loglin20", host.now_ns, kind(_COMPLETED, _completed))
        yield from tally.counts(FAILURES, host.now_ns, kind(_FAILED, _failed))


def _labels(host: Host, listening: Listening, told: Callable[[_Rest], Labels], group: bytes) -> Labels:
    end = endpoints.parse(group)
    pid, version, offer, resumed, alert = _REST.unpack_from(group, endpoints.ENDPOINT.size)
    listener, service = ("listener", listening.name_of(end)), ("service", service_of(host.proc, pid))
    return endpoints.with_netns(
        host.proc, end, listener, service, *told((pid, version, offer, resumed, alert))
    )


def _answered(rest: _Rest) -> Labels:
    (version, resumed), offer = _completed(rest), rest[2]
    return (version, ("alpn", OFFERS[offer]), resumed)


def _completed(rest: _Rest) -> Labels:
    _, version, _, resumed, _ = rest
    return (("version", VERSIONS.get(version, str(version))), ("resumed", "yes" if resumed else "no"))


def _failed(rest: _Rest) -> Labels:
    alert = rest[-1]
    return (("alert", ALERTS.get(alert, str(alert))),)
