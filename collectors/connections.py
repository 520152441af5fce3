"""TCP connections of a sock_diag dump: runs of messages that are laid out alike are unpacked together.

Ten thousand connections have one or two layouts. Whether the next message has the layout of the last is asked for a
whole part of the answer at once, with strided slices. Most connections are idle: of those only a few numbers and the
bytes that would show traffic are unpacked, the rest on demand.
"""

from __future__ import annotations

import socket
import struct
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

from collectors import netlink

# include/net/tcp_states.h
ESTABLISHED, TIME_WAIT, CLOSE_WAIT = 1, 6, 8
STATES = {
    1: "established",
    2: "syn_sent",
    3: "syn_recv",
    4: "fin_wait1",
    5: "fin_wait2",
    8: "close_wait",
    9: "last_ack",
    11: "closing",
}
STATE_NUMBERS = 13
_NEW_SYN_RECV = 12  # what a handshake is in the kernel's tables; it is told as SYN_RECV
OPEN = sum(1 << state for state in (*STATES, _NEW_SYN_RECV))

_INFO, _SKMEMINFO = 2, 7  # include/uapi/linux/inet_diag.h
_MAPPED = bytes(10) + b"\xff\xff"  # an IPv4 address in an IPv6 socket


class Connection(NamedTuple):
    """One TCP socket: inet_diag_msg, and for one that was set up sk_meminfo and tcp_info. Times in microseconds."""

    family: int
    state: int
    port: int  # in network byte order, like the peer's
    peer_port: int
    address: bytes
    peer_address: bytes
    cookie: int
    receive_queue: int
    send_queue: int
    inode: int
    receive_memory: int = 0
    receive_limit: int = 0
    send_limit: int = 0
    send_memory: int = 0
    flags: int = 0
    rtt: int = 0
    receive_space: int = 0


class Totals(NamedTuple):
    """What a connection counted since it began, and what changes with it."""

    retransmits: int
    min_rtt: int
    segments_in: int
    segments_out: int
    delivery_rate: int
    busy: int
    window_limited: int
    buffer_limited: int


_PLAIN = "16xBB2xHH16s16s4xQ4xII4xI"
_HEAD = "17xB42xQ4xQ8x"  # state, cookie, both queues in one number
_PLAIN_BYTES = struct.calcsize("=" + _PLAIN)
_MEMORY = "II4xI4xI12x"
_MEMORY_BYTES = struct.calcsize("=" + _MEMORY)
# tcp_info: flags of byte 7, rtt at 68, rcv_space at 96; then from total_retrans at 100 to the end of sndbuf_limited,
# which is there since Linux 4.10: min_rtt at 148, data_segs_in, data_segs_out, delivery_rate, busy_time, rwnd_limited.
_TCP_INFO = "7xB60xI24xI92x"
_TCP_INFO_BYTES = struct.calcsize("=" + _TCP_INFO)
_TOTALS_AT = 100
_TOTALS = struct.Struct("=I44xIIIQQQQ")
NO_TOTALS = bytes(_TOTALS.size)


def totals(traffic: list[bytes]) -> Iterator[tuple[int, ...]]:
    """The fields of `Totals` of each."""
    return _TOTALS.iter_unpack(b"".join(traffic))


@dataclass(frozen=True, slots=True)
class _Layout:
    """`marks` are the bytes that tell whether a message has it: (offset, byte)."""

    stride: int
    head: struct.Struct | None
    row: struct.Struct
    marks: tuple[tuple[int, bytes], ...]


class Run:
    """Messages in a row that are laid out alike. Valid until the buffer changes."""

    def __init__(self, buffer: bytearray, start: int, end: int, layout: _Layout) -> None:
        self._buffer, self._start, self._end, self._layout = buffer, start, end, layout

    @property
    def measured(self) -> bool:
        """Whether there are heads; else there are rows only."""
        return self._layout.head is not None

    def heads(self) -> Iterator[tuple[int, tuple[int, int, int, bytes]]]:
        """Where each message is, and its state, cookie, queues (0: both are empty) and the bytes of its totals."""
        head = self._layout.head or self._layout.row
        view = memoryview(self._buffer)[self._start : self._end]
        return zip(range(self._start, self._end, self._layout.stride), head.iter_unpack(view), strict=True)

    def row(self, at: int) -> tuple[Any, ...]:
        """All of the message at this place, as the fields of `Connection`."""
        return self._layout.row.unpack_from(self._buffer, at)

    def rows(self) -> Iterator[tuple[Any, ...]]:
        """All of each, as the fields of `Connection`."""
        return self._layout.row.iter_unpack(memoryview(self._buffer)[self._start : self._end])


def runs(buffer: bytearray, size: int) -> Iterator[Run]:
    """The whole messages in `buffer`; stops at one that is cut short."""
    at = 0
    while at + _PLAIN_BYTES <= size:
        length = int.from_bytes(buffer[at : at + 4], sys.byteorder)
        stride = (length + 3) & ~3
        if length < _PLAIN_BYTES or at + stride > size:
            return
        offsets = _offsets(buffer, at, at + length)
        layout = _layout(stride, bytes(buffer[at : at + 4]), offsets)
        count = _alike(buffer, at, at + (size - at) // stride * stride, layout)
        yield Run(buffer, at, at + count * stride, layout)
        at += count * stride


def _alike(buffer: bytearray, at: int, end: int, layout: _Layout) -> int:
    """How many messages from `at` on have this layout; the first does.

    As long as each has the same length, the next begins a stride later: so the first one that differs is found where
    its length, or the header of one of its attributes, would be.
    """
    count = (end - at) // layout.stride
    for offset, mark in layout.marks:
        column = buffer[at + offset : end : layout.stride]
        count = min(count, len(column) - len(column.lstrip(mark)))
    return count


def _offsets(buffer: bytearray, start: int, end: int) -> tuple[int, int]:
    """Where sk_meminfo and tcp_info begin in the message, 0 for what is missing or too short."""
    memory = info = 0
    for kind, at, stop in netlink.attributes(buffer, start + _PLAIN_BYTES, end):
        if kind == _SKMEMINFO and stop - at >= _MEMORY_BYTES:
            memory = at - start
        elif kind == _INFO and stop - at >= _TCP_INFO_BYTES:
            info = at - start
    return memory, info


@lru_cache(maxsize=64)
def _layout(stride: int, length: bytes, offsets: tuple[int, int]) -> _Layout:
    memory, info = offsets
    marks = tuple((at, length[at : at + 1]) for at in range(4))
    if not 0 < memory < info:
        return _Layout(stride, None, struct.Struct(f"={_PLAIN}{stride - _PLAIN_BYTES}x"), marks)
    between = info - memory - _MEMORY_BYTES
    rest = stride - info - _TCP_INFO_BYTES
    row = f"={_PLAIN}{memory - _PLAIN_BYTES}x{_MEMORY}{between}x{_TCP_INFO}{rest}x"
    head = f"={_HEAD}{info + _TOTALS_AT - _PLAIN_BYTES}x{_TOTALS.size}s{rest}x"
    low = 0 if sys.byteorder == "little" else 1
    kinds = ((memory - 2 + low, bytes([_SKMEMINFO])), (info - 2 + low, bytes([_INFO])))
    return _Layout(stride, struct.Struct(head), struct.Struct(row), (*marks, *kinds))


def endpoint(family: int, address: bytes, port: int) -> str:
    """`address:port`, IPv6 in brackets, an IPv4 address in an IPv6 socket as what it is."""
    if family == socket.AF_INET:
        return f"{socket.inet_ntop(socket.AF_INET, address[:4])}:{port}"
    if address.startswith(_MAPPED):
        return f"{socket.inet_ntop(socket.AF_INET, address[12:])}:{port}"
    return f"[{socket.inet_ntop(socket.AF_INET6, address)}]:{port}"
