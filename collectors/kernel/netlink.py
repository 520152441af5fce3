"""Raw netlink: dump requests to the kernel and the messages and attributes of its answers. No library in between.

A library's object per message costs fifty times what the kernel needs to write it (10,000 sockets: 785 ms against 15).
"""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import Iterator
from errno import ENOENT

from collectors.probe import NoData

# include/uapi/linux/netlink.h
SOCK_DIAG = 4
ROUTE = 0
HEADER = struct.Struct("=IHHII")  # nlmsghdr: length, type, flags, sequence, port
_ATTRIBUTE = struct.Struct("=HH")  # length, type
_REQUEST_DUMP = 0x301  # NLM_F_REQUEST | NLM_F_ROOT | NLM_F_MATCH
_ERROR, _DONE, _MULTI = 2, 3, 2
_DONE_BYTES = 20
_TYPE_BITS = 0x3FFF  # NLA_TYPE_MASK
_ERRNO = struct.Struct("=i")
_TIMEOUT = struct.pack("@ll", 2, 0)  # the kernel answers at once; a lost answer must not hold the agent
# A part of an answer has 32 KiB at most (max_recvmsg_len, net/netlink/af_netlink.c); several are handed on together.
_PART_BYTES = 1 << 15
_BUFFER_BYTES = 4 * _PART_BYTES

Buffer = bytes | bytearray


class Netlink:
    """A netlink socket; it stays in the network namespace of the thread that made it."""

    def __init__(self, family: int, name: str, absent: str) -> None:
        """`name` and `absent` (what the kernel lacks when it answers ENOENT) are for messages."""
        self._name, self.absent = name, absent
        try:
            self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, family)
        except OSError as error:
            raise NoData(f"no netlink socket of kind {name}: {error.strerror}") from None
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, _TIMEOUT)
        self.buffer = bytearray(_BUFFER_BYTES)
        self._sequence = 0

    def close(self) -> None:
        """A socket left open would keep its namespace alive."""
        self._socket.close()

    def dump(self, kind: int, body: bytes) -> Iterator[tuple[int, int]]:
        """Where each message's payload begins and ends in `buffer`, which the next step overwrites."""
        for size in self.parts(kind, body):
            for _, start, end in messages(self.buffer, size, self._sequence):
                yield start, end

    def parts(self, kind: int, body: bytes) -> Iterator[int]:
        """Bytes of whole messages in `buffer`, some parts of the answer at a time. NoData when the kernel refuses."""
        self._sequence += 1
        header = HEADER.pack(HEADER.size + len(body), kind, _REQUEST_DUMP, self._sequence, 0)
        try:
            self._socket.send(header + body)
            done = False
            while not done:
                size, done = self._fill()
                if size:
                    yield size
        except OSError as error:
            raise NoData(f"the kernel did not answer a {self._name} request: {error.strerror}") from None

    def _fill(self) -> tuple[int, bool]:
        """How many bytes of messages the buffer has now, and whether these were the last."""
        size, done = 0, False
        with memoryview(self.buffer) as view:
            while not done and size + _PART_BYTES <= len(view):
                part, done = self._data(size, self._socket.recv_into(view[size:]))
                size += part
        return size, done

    def _data(self, start: int, size: int) -> tuple[int, bool]:
        """How much of the part at `start` comes before the end of the answer, and whether the end was there.

        The end is the last message of its part (netlink_dump, net/netlink/af_netlink.c): no walk to find it.
        """
        if size < HEADER.size:
            return 0, False
        length, kind, _, _, _ = HEADER.unpack_from(self.buffer, start)
        if kind == _ERROR:
            raise NoData(self._refusal(start + HEADER.size, start + min(length, size)))
        last = size - _DONE_BYTES
        if last >= 0 and HEADER.unpack_from(self.buffer, start + last)[:4] == (
            _DONE_BYTES,
            _DONE,
            _MULTI,
            self._sequence,
        ):
            return last, True
        return size, False

    def _refusal(self, start: int, end: int) -> str:
        code = -_ERRNO.unpack_from(self.buffer, start)[0] if end - start >= _ERRNO.size else 0
        if code == ENOENT:
            return self.absent
        return f"the kernel refused a {self._name} request: {os.strerror(code)}"


def messages(buffer: Buffer, size: int, sequence: int) -> Iterator[tuple[int, int, int]]:
    """(type, payload start, end) of the messages that answer `sequence`; stops at one that is cut short."""
    at = 0
    while at + HEADER.size <= size:
        length, kind, _, answered, _ = HEADER.unpack_from(buffer, at)
        if length < HEADER.size or at + length > size:
            return
        if answered == sequence:
            yield kind, at + HEADER.size, at + length
        at += (length + 3) & ~3


def attributes(buffer: Buffer, at: int, end: int) -> Iterator[tuple[int, int, int]]:
    """(type, payload start, end) of each attribute; stops at one that is cut short."""
    while at + _ATTRIBUTE.size <= end:
        length, kind = _ATTRIBUTE.unpack_from(buffer, at)
        if length < _ATTRIBUTE.size or at + length > end:
            return
        yield kind & _TYPE_BITS, at + _ATTRIBUTE.size, at + length
        at += (length + 3) & ~3
