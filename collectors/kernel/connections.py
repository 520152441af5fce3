"""TCP connections of a sock_diag dump: runs of messages that are laid out alike are unpacked together.

Ten thousand connections have one or two layouts. Whether the next message has the layout of the last is asked for a
whole part of the answer at once, with strided slices. Of each only what every pass needs is unpacked, as columns, the
rest on demand.
"""

from __future__ import annotations

import socket
import struct
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

from collectors.kernel import netlink, tcpinfo

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
    """One TCP socket: inet_diag_msg, and for one that was set up sk_meminfo."""

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


class Heads(NamedTuple):
    """What every pass needs of the connections of a run, a column each. `queues` is 0 where both are empty."""

    states: tuple[int, ...]
    cookies: tuple[int, ...]
    queues: tuple[int, ...]
    flags: tuple[int, ...]  # bit 0: the sender has nothing more to send
    measured: tuple[bytes, ...]  # see `tcpinfo`


_PLAIN = "16xBB2xHH16s16s4xQ4xII4xI"
_HEAD = "17xB42xQ4xQ8x"  # state, cookie, both queues in one number
_PLAIN_BYTES = struct.calcsize("=" + _PLAIN)
_MEMORY = "II4xI4xI12x"
_MEMORY_BYTES = struct.calcsize("=" + _MEMORY)
_FLAGS_AT = 7  # of tcp_info


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

    def heads(self) -> Heads | None:
        """None where the kernel measured nothing: the connection is not set up yet, or in TIME_WAIT."""
        head = self._layout.head
        return None if head is None else Heads(*zip(*head.iter_unpack(self._view()), strict=True))

    def row(self, index: int) -> tuple[Any, ...]:
        """All of one message, as the fields of `Connection`."""
        return self._layout.row.unpack_from(self._buffer, self._start + index * self._layout.stride)

    def rows(self) -> Iterator[tuple[Any, ...]]:
        """All of each, as the fields of `Connection`."""
        return self._layout.row.iter_unpack(self._view())

    def _view(self) -> memoryview:
        return memoryview(self._buffer)[self._start : self._end]


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
        elif kind == _INFO and stop - at >= tcpinfo.END:
            info = at - start
    return memory, info


@lru_cache(maxsize=64)
def _layout(stride: int, length: bytes, offsets: tuple[int, int]) -> _Layout:
    memory, info = offsets
    marks = tuple((at, length[at : at + 1]) for at in range(4))
    if not 0 < memory < info:
        return _Layout(stride, None, struct.Struct(f"={_PLAIN}{stride - _PLAIN_BYTES}x"), marks)
    row = f"={_PLAIN}{memory - _PLAIN_BYTES}x{_MEMORY}{stride - memory - _MEMORY_BYTES}x"
    flags = f"{info + _FLAGS_AT - _PLAIN_BYTES}xB{tcpinfo.BEGIN - _FLAGS_AT - 1}x"
    head = f"={_HEAD}{flags}{tcpinfo.BYTES}s{stride - info - tcpinfo.END}x"
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
