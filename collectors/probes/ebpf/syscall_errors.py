"""System calls that failed because something ran out: descriptors, local ports, processes, memory; by service.

EAGAIN is counted for clone only, where it means a limit on processes: of other calls it only says "not now".
"""

from __future__ import annotations

import errno
import struct
from collections.abc import Iterator
from functools import partial

from collectors.probe import Cost, Host, Metric
from collectors.probes.ebpf import tally
from collectors.probes.ebpf.services import service_of
from collectors.readings import Labels
from collectors.wire import Sample

ERRORS = "syscall_errors_total"
# As the program numbers them.
CALLS = (
    "openat",
    "socket",
    "accept",
    "accept4",
    "connect",
    "bind",
    "clone",
    "clone3",
    "pipe2",
    "epoll_create1",
    "eventfd2",
)
_GROUP = struct.Struct("<IHH")


class SyscallErrors:
    """Cost: about 0.1 µs each of these calls, and 5-9 ns each other system call of the host while any is traced."""

    NAME = "syscall_errors"
    COST: Cost = "moderate"
    INTERVAL_SECONDS = 10.0
    METRICS: tuple[Metric, ...] = (
        Metric(
            ERRORS,
            "",
            "System calls that failed because something ran out.",
            ("service", "syscall", "error"),
            True,
        ),
        *tally.ACCOUNT,
    )

    def __init__(self) -> None:
        self._source = tally.pack_of(__file__)

    def rest(self) -> None:
        self._source.rest()

    def collect(self, host: Host) -> Iterator[Sample]:
        drained = self._source.drain()
        found = tally.tallies(drained.cells, partial(_labels, host))
        yield from tally.counts(ERRORS, host.now_ns, found)
        yield from tally.account(self.NAME, host.now_ns, drained)


def _labels(host: Host, group: bytes) -> Labels:
    pid, call, number = _GROUP.unpack(group)
    error = errno.errorcode.get(number, str(number))
    return (("service", service_of(host.proc, pid)), ("syscall", CALLS[call]), ("error", error))
