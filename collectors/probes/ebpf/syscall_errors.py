"""System calls that failed because something ran out: descriptors, local ports, processes, memory; by service.

EAGAIN is counted for clone only, where it means a limit on processes: of other calls it only says "not now".
"""

from __future__ import annotations

import errno
import struct
from collections.abc import Iterator
from functools import partial

from collectors.ebpf.cells import Cell
from collectors.probe import Host, Metric
from collectors.probes.ebpf import tally
from collectors.probes.ebpf.packed import Packed
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


class SyscallErrors(Packed):
    """Cost: about 0.1 µs each of these calls, and 5-9 ns each other system call of the host while any is traced."""

    NAME = "syscall_errors"
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

    def told(self, host: Host, cells: list[Cell]) -> Iterator[Sample]:
        found = tally.tallies(cells, partial(_labels, host))
        yield from tally.counts(ERRORS, host.now_ns, found)


def _labels(host: Host, group: bytes) -> Labels:
    pid, call, number = _GROUP.unpack(group)
    error = errno.errorcode.get(number, str(number))
    return (("service", service_of(host.proc, pid)), ("syscall", CALLS[call]), ("error", error))
