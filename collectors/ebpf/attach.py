"""Hangs loaded programs on their tracepoints. Closing the descriptors, or the end of the process, takes them off."""

from __future__ import annotations

import os
import struct

from collectors.ebpf import syscalls, tracefs
from collectors.ebpf.pack import Program

_PERF_EVENT_LINK = 41  # BPF_PERF_EVENT of enum bpf_attach_type; links of it came with 5.15


def attach(program: Program, descriptor: int) -> list[int]:
    """The descriptors that keep it attached. OSError when the kernel refuses."""
    kind, _, place = program.section.partition("/")
    if kind == "tp_btf":
        return [syscalls.bpf(syscalls.RAW_TRACEPOINT_OPEN, struct.pack("<QI4x", 0, descriptor))[0]]
    if kind == "tp":
        return _attach_to_event(syscalls.open_tracepoint(tracefs.number_of(place)), descriptor)
    raise ValueError(f"program {program.name} hangs on {program.section}, which is not known here")


def _attach_to_event(event: int, descriptor: int) -> list[int]:
    attributes = struct.pack("<IIII32x", descriptor, event, _PERF_EVENT_LINK, 0)
    try:
        return [syscalls.bpf(syscalls.LINK_CREATE, attributes)[0], event]
    except OSError:
        os.close(event)
        raise
