"""Hangs loaded programs on their tracepoints, or at places in programs of the host.

Closing the descriptors, or the end of the process, takes them off.
"""

from __future__ import annotations

import errno
import os
import struct
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from collectors.ebpf import syscalls, tracefs
from collectors.ebpf.pack import Program

_PERF_EVENT_LINK = 41  # BPF_PERF_EVENT of enum bpf_attach_type; links of it came with 5.15


def attach(program: Program, descriptor: int) -> list[int]:
    """The descriptors that keep it attached. OSError when the kernel refuses."""
    kind, _, place = program.section.partition("/")
    if kind == "tp_btf":
        return [syscalls.bpf(syscalls.RAW_TRACEPOINT_OPEN, struct.pack("<QI4x", 0, descriptor))[0]]
    if kind == "tp":
        return attach_to_event(syscalls.open_tracepoint(tracefs.number_of(place)), descriptor)
    raise ValueError(f"program {program.name} hangs on {program.section}, which is not known here")


class Place(NamedTuple):
    """Where an instruction begins in a program's file."""

    path: str
    offset: int


_UPROBE_TYPE = Path("/sys/bus/event_source/devices/uprobe/type")  # since Linux 4.17
_GONE = {errno.ENOENT, errno.ESRCH}


def attach_at(places: Iterable[Place], descriptor: int, pid: int = -1) -> list[int]:
    """At each place whose program is still there, in one process or all. OSError when the kernel refuses."""
    kind, links = int(_UPROBE_TYPE.read_text()), []
    for place in places:
        try:
            links += attach_to_event(syscalls.open_uprobe(kind, *place, pid), descriptor)
        except OSError as error:
            if error.errno not in _GONE:
                for link in links:
                    os.close(link)
                raise
    return links


def attach_to_event(event: int, descriptor: int) -> list[int]:
    """The link and the event, which is ours to close also when this fails."""
    attributes = struct.pack("<IIII32x", descriptor, event, _PERF_EVENT_LINK, 0)
    try:
        return [syscalls.bpf(syscalls.LINK_CREATE, attributes)[0], event]
    except OSError:
        os.close(event)
        raise
