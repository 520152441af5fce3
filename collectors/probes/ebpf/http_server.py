"""Service times of HTTP/1.x servers, without touching them: from the read that begins a request until the write that
begins its answer, by listener, service, method, route and class of the status.

What is seen are the system calls. TLS hides it, and so does io_uring; of several answers in one write only the first
counts. Of a path no more than its first 64 bytes are looked at, and its query string never.
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
from collectors.probes.ebpf.routes import Routes
from collectors.probes.ebpf.services import service_of
from collectors.readings import Labels
from collectors.wire import Sample

SERVICE_TIME = "http_server_seconds"
# As the program numbers them; a request that came in pieces, or in one read behind another, does not show its method.
METHODS = ("unknown", "GET", "POST", "PUT", "HEAD", "DELETE", "PATCH", "OPTIONS")
_REST = struct.Struct("<IIHBx")
_NOT_FOUND = 404
# The busiest in an interval; the rest are told together.
MOST_ROUTES = tally.Limit("route", within="listener", most=50)


class HttpServer(Packed):
    """Cost: up to 1 µs a request, and 0.3 µs each read of other incoming connections."""

    NAME = "http_server"
    EVENT_SECONDS = 1.0e-6  # of reads and writes together; measured by bench/ebpf.py
    METRICS: tuple[Metric, ...] = (
        Metric(
            SERVICE_TIME,
            "s",
            "Time from reading the beginning of a request until writing the beginning of its answer.",
            ("listener", "service", "method", "route", "status_class", "netns"),
        ),
        *tally.ACCOUNT,
    )

    def __init__(self) -> None:
        super().__init__()
        self._routes = Routes()

    def told(self, host: Host, cells: list[Cell]) -> Iterator[Sample]:
        if cells:
            answered = {route for _, route, status, _ in map(_rest, cells) if status != _NOT_FOUND}
            self._routes.refresh(self._source.table("paths"), answered)
        labels_of = partial(_labels, host, Listening(host.proc), self._routes)
        found = tally.tallies(cells, labels_of, MOST_ROUTES)
        yield from tally.histograms(SERVICE_TIME, "loglin20", host.now_ns, found)


def _rest(cell: Cell) -> tuple[int, int, int, int]:
    """Process, route, status and method."""
    pid, route, status, method = _REST.unpack_from(cell.group, endpoints.ENDPOINT.size)
    return pid, route, status, method


def _labels(host: Host, listening: Listening, routes: Routes, group: bytes) -> Labels:
    end = endpoints.parse(group)
    pid, route, status, method = _REST.unpack_from(group, endpoints.ENDPOINT.size)
    return endpoints.with_netns(
        host.proc,
        end,
        ("listener", listening.name_of(end)),
        ("service", service_of(host.proc, pid)),
        ("method", METHODS[method]),
        ("route", routes.name(route)),
        ("status_class", f"{status // 100}xx"),
    )
