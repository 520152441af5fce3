"""Service times of HTTP/1.x servers, without touching them: from the read that begins a request until the write that
begins its answer, by listener, service, method and class of the status.

What is seen are the system calls. TLS hides it, and so does io_uring; of several answers in one write only the first
counts.
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

SERVICE_TIME = "http_server_seconds"
# As the program numbers them; a request that came in pieces does not show its method.
METHODS = ("unknown", "GET", "POST", "PUT", "HEAD", "DELETE", "PATCH", "OPTIONS")
_REST = struct.Struct("<IBBxx")


class HttpServer(Packed):
    """Cost: up to 0.8 µs a request, and 0.3 µs each read of other incoming connections."""

    NAME = "http_server"
    EVENT_SECONDS = 0.8e-6  # of reads and writes together; measured by bench/ebpf.py
    METRICS: tuple[Metric, ...] = (
        Metric(
            SERVICE_TIME,
            "s",
            "Time from reading the beginning of a request until writing the beginning of its answer.",
            ("listener", "service", "method", "status_class", "netns"),
        ),
        *tally.ACCOUNT,
    )

    def told(self, host: Host, cells: list[Cell]) -> Iterator[Sample]:
        found = tally.tallies(cells, partial(_labels, host, Listening(host.proc)))
        yield from tally.histograms(SERVICE_TIME, "loglin20", host.now_ns, found)


def _labels(host: Host, listening: Listening, group: bytes) -> Labels:
    end = endpoints.parse(group)
    pid, method, status = _REST.unpack_from(group, endpoints.ENDPOINT.size)
    return endpoints.with_netns(
        host.proc,
        end,
        ("listener", listening.name_of(end)),
        ("service", service_of(host.proc, pid)),
        ("method", METHODS[method]),
        ("status_class", f"{status}xx"),
    )
