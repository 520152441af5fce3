"""What services wait for at others: from the write that begins a request until the first bytes of its answer are read.

HTTP/1.x, Redis, PostgreSQL and MySQL are recognised by how a request begins; TLS hides them. Of requests that are sent
while one waits for its answer, only that one is timed.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from functools import partial

from collectors.ebpf.cells import Cell
from collectors.probe import Host, Metric
from collectors.probes.ebpf import endpoints, tally
from collectors.probes.ebpf.packed import Packed
from collectors.probes.ebpf.services import service_of
from collectors.readings import Labels
from collectors.wire import Sample

WAIT = "dependency_seconds"
# As the program numbers them.
PROTOCOLS = ("", "http", "redis", "postgresql", "mysql")
_REST = struct.Struct("<II")


class Dependencies(Packed):
    """Cost: up to 0.8 µs a request, and 0.3 µs each write to other outgoing connections."""

    NAME = "dependencies"
    EVENT_SECONDS = 0.8e-6  # of reads and writes together; measured by bench/ebpf.py
    METRICS: tuple[Metric, ...] = (
        Metric(
            WAIT,
            "s",
            "Time from sending a request to another service until its answer begins.",
            ("dst", "service", "protocol", "netns"),
        ),
        *tally.ACCOUNT,
    )

    def told(self, host: Host, cells: list[Cell]) -> Iterator[Sample]:
        found = tally.tallies(cells, partial(_labels, host))
        yield from tally.histograms(WAIT, "loglin20", host.now_ns, found)


def _labels(host: Host, group: bytes) -> Labels:
    end = endpoints.parse(group)
    pid, protocol = _REST.unpack_from(group, endpoints.ENDPOINT.size)
    return endpoints.with_netns(
        host.proc,
        end,
        ("dst", end.name),
        ("service", service_of(host.proc, pid)),
        ("protocol", PROTOCOLS[protocol]),
    )
