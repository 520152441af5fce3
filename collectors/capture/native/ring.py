"""Samples of one CPU as the kernel writes them into memory that it shares with us: a ring, read at our end only."""

from __future__ import annotations

import mmap
import struct
from collections.abc import Iterator
from dataclasses import dataclass

from collectors.capture.native.unwind import Registers

_HEADER = struct.Struct("<IHH")
_SAMPLE, _LOST = 9, 2  # PERF_RECORD_SAMPLE, PERF_RECORD_LOST
_HEAD_AT, _TAIL_AT = 1024, 1032  # of struct perf_event_mmap_page
_POSITION = struct.Struct("<Q")
_THREAD = struct.Struct("<QIIQ")
_CONTEXTS = (1 << 64) - 4095  # marks between the parts of a chain, PERF_CONTEXT_…
_USER = (1 << 64) - 512

# What is asked of the kernel, in this order in each sample: PERF_SAMPLE_IP, TID, TIME, CALLCHAIN, REGS_USER,
# STACK_USER.
KINDS_BY_CHAIN = 1 | 1 << 1 | 1 << 2 | 1 << 5
KINDS = KINDS_BY_CHAIN | 1 << 12 | 1 << 13
WITHOUT_USER_CHAIN = 1 << 22
# Of x86-64 (arch/x86/include/uapi/asm/perf_regs.h): ax bx cx dx si di bp sp ip, then r8 to r15 after the segments'.
REGISTERS = 0x1FF | 0xFF << 16
_REGISTERS = struct.Struct("<17Q")
_BY_DWARF = (0, 3, 2, 1, 4, 5, 6, 7, 9, 10, 11, 12, 13, 14, 15, 16)


@dataclass(frozen=True, slots=True)
class Sample:
    """`kernel` and `chain` leaf first; `chain` is the user's by frame pointers, where no copy of its stack is taken.

    `time_ns` is of the monotonic clock.
    """

    pid: int
    thread_id: int
    time_ns: int
    kernel: tuple[int, ...]
    chain: tuple[int, ...]
    registers: Registers | None
    stack: bytes


class Ring:
    """Of one perf event. `take` gives what came since; what the kernel had no room for is counted in `lost`."""

    def __init__(self, event: int, size: int, with_stack: bool) -> None:
        """`size`: a power of two, of pages. OSError when the kernel refuses so much locked memory."""
        self._memory = mmap.mmap(
            event, mmap.PAGESIZE + size, mmap.MAP_SHARED, mmap.PROT_READ | mmap.PROT_WRITE
        )
        self._size, self._with_stack = size, with_stack
        self._tail = 0
        self.lost = 0

    def take(self) -> Iterator[Sample]:
        (head,) = _POSITION.unpack_from(self._memory, _HEAD_AT)
        data = self._between(self._tail, head)
        self._tail = head
        _POSITION.pack_into(self._memory, _TAIL_AT, head)
        at = 0
        while at + _HEADER.size <= len(data):
            kind, _, size = _HEADER.unpack_from(data, at)
            if kind == _SAMPLE:
                yield _sample(data, at + _HEADER.size, self._with_stack)
            elif kind == _LOST:
                self.lost += _POSITION.unpack_from(data, at + _HEADER.size + 8)[0]
            at += max(size, _HEADER.size)

    def _between(self, tail: int, head: int) -> bytes:
        start, end = mmap.PAGESIZE + tail % self._size, mmap.PAGESIZE + head % self._size
        if head == tail:
            return b""
        if start < end:
            return self._memory[start:end]
        return self._memory[start:] + self._memory[mmap.PAGESIZE : end]

    def close(self) -> None:
        self._memory.close()


def _sample(data: bytes, at: int, with_stack: bool) -> Sample:
    _, pid, thread, time_ns = _THREAD.unpack_from(data, at)
    at += _THREAD.size
    (length,) = _POSITION.unpack_from(data, at)
    kernel, chain = _parts(struct.unpack_from(f"<{length}Q", data, at + 8))
    at += 8 + 8 * length
    if not with_stack:
        return Sample(pid, thread, time_ns, kernel, chain, None, b"")
    registers = None
    if any(data[at : at + 8]):  # else the thread is the kernel's and has none
        values = _REGISTERS.unpack_from(data, at + 8)
        registers = Registers(values[8], values[7], values[6], tuple(values[number] for number in _BY_DWARF))
        at += _REGISTERS.size
    at += 8
    (room,) = _POSITION.unpack_from(data, at)
    filled = _POSITION.unpack_from(data, at + 8 + room)[0] if room else 0
    return Sample(pid, thread, time_ns, kernel, chain, registers, data[at + 8 : at + 8 + min(filled, room)])


def _parts(chain: tuple[int, ...]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The kernel's and the user's, without the marks between."""
    user_at = chain.index(_USER) if _USER in chain else len(chain)
    kernel = tuple(address for address in chain[:user_at] if address < _CONTEXTS)
    return kernel, tuple(address for address in chain[user_at:] if address < _CONTEXTS)
