"""The clock of each CPU: ticks at a rate, for programs that look at who runs, or for samples that the kernel writes.

It is the timer's, not the hardware's cycle counter, which virtual machines mostly lack; it ticks while a CPU is in use.
"""

from __future__ import annotations

import os
import struct
from dataclasses import dataclass

from collectors.ebpf import syscalls
from collectors.ebpf.attach import attach_to_event
from collectors.ebpf.maps import cpus

_SOFTWARE, _CPU_CLOCK = 1, 0  # PERF_TYPE_SOFTWARE, PERF_COUNT_SW_CPU_CLOCK
# Bits of struct perf_event_attr.
_EXCLUDE_IDLE, _FREQUENCY, _USE_CLOCK = 1 << 7, 1 << 10, 1 << 25
_MONOTONIC = 1  # of times in samples: the clock that Python's time.monotonic_ns reads
# type, size, config, rate, kinds of data, read format, bits, wake-up, breakpoint, 3 configs, registers, stack, clock
_ATTRIBUTES = struct.Struct("<IIQQQQQIIQQQQIi")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the kernel writes of each tick: `kinds` of PERF_SAMPLE_…, a mask of registers, bytes of the user's stack."""

    kinds: int = 0
    bits: int = 0
    registers: int = 0
    stack_bytes: int = 0


def attributes(hz: int, wanted: Wanted) -> bytes:
    """The beginning of struct perf_event_attr."""
    return _ATTRIBUTES.pack(
        _SOFTWARE,
        syscalls.PERF_ATTR_BYTES,
        _CPU_CLOCK,
        hz,
        wanted.kinds,
        0,
        _EXCLUDE_IDLE | _FREQUENCY | _USE_CLOCK | wanted.bits,
        *(0, 0, 0, 0, 0),
        wanted.registers,
        wanted.stack_bytes,
        _MONOTONIC,
    )


@dataclass(frozen=True, slots=True)
class Tick:
    """One CPU's clock: its event, and the link that hangs a program on it."""

    event: int
    link: int

    def close(self) -> None:
        os.close(self.link)
        os.close(self.event)


def start(program: int, hz: int, wanted: Wanted = Wanted()) -> list[Tick]:
    """On all CPUs that are online. OSError when the kernel refuses; nothing is left then."""
    ticks: list[Tick] = []
    try:
        for cpu in cpus("online"):
            link, event = attach_to_event(syscalls.open_event(attributes(hz, wanted), cpu), program)
            ticks.append(Tick(event, link))
    except OSError:
        stop(ticks)
        raise
    return ticks


def stop(ticks: list[Tick]) -> None:
    for tick in ticks:
        tick.close()
    ticks.clear()
