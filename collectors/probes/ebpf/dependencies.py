"""What services wait for at others: from the write that begins a request until the first bytes of its answer are read.

HTTP/1.x, Redis, PostgreSQL and MySQL are recognised by how a request begins; TLS hides them. Of requests that are sent
while one waits for its answer, only that one is timed. Those of HTTP are told by route as well.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from functools import partial

from collectors.ebpf.cells import Cell
from collectors.probe import Host, Metric
from collectors.probes.ebpf import endpoints, tally
from collectors.probes.ebpf.packed import Packed
from collectors.probes.ebpf.routes import Routes
from collectors.probes.ebpf.services import service_of
from collectors.readings import Labels
from collectors.wire import Sample

WAIT = "dependency_seconds"
# As the program numbers them.
PROTOCOLS = ("", "http", "redis", "postgresql", "mysql")
_REST = struct.Struct("<III")
_HTTP = PROTOCOLS.index("http")
# The busiest in an interval; the rest are told together.
MOST_ROUTES = tally.Limit("route", within="dst", most=20)


class Dependencies(Packed):
    """Cost: up to 1 µs a request, and 0.3 µs each write to other outgoing connections."""

    NAME = "dependencies"
    EVENT_SECONDS = 1.0e-6  # of reads and writes together; measured by bench/ebpf.py
    METRICS: tuple[Metric, ...] = (
        Metric(
            WAIT,
            "s",
            "Time from sending a request to another service until its answer begins.",
            ("dst", "service", "protocol", "route", "netns"),
        ),
        *tally.ACCOUNT,
    )

    def __init__(self) -> None:
        super().__init__()
        self._routes = Routes()

    def told(self, host: Host, cells: list[Cell]) -> Iterator[Sample]:
        if cells:
            asked = {_REST.unpack_from(cell.group, endpoints.ENDPOINT.size)[2] for cell in cells}
            self._routes.refresh(self._source.table("paths"), asked)
        found = tally.tallies(cells, partial(_labels, host, self._routes), MOST_ROUTES)
        yield from tally.histograms(WAIT, "loglin20", host.now_ns, found)


def _labels(host: Host, routes: Routes, group: bytes) -> Labels:
    end = endpoints.parse(group)
    pid, protocol, route = _REST.unpack_from(group, endpoints.ENDPOINT.size)
    labels = [("dst", end.name), ("service", service_of(host.proc, pid)), ("protocol", PROTOCOLS[protocol])]
    if protocol == _HTTP:
        labels.append(("route", routes.name(route)))
    return endpoints.with_netns(host.proc, end, *labels)
