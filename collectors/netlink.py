"""TCP listeners of a network namespace over a raw netlink socket (sock_diag, inet_diag): one dump, no /proc/net/tcp.

Reading /proc/net/tcp walks every connection; a dump of the state LISTEN visits the listening table only.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from errno import ENOENT

from collectors.probe import NoData

# include/uapi/linux/{netlink,sock_diag,inet_diag}.h
_NETLINK_SOCK_DIAG = 4
_SOCK_DIAG_BY_FAMILY = 20
_REQUEST_DUMP = 0x301  # NLM_F_REQUEST | NLM_F_ROOT | NLM_F_MATCH
_ERROR, _DONE = 2, 3
_LISTEN = 1 << 10  # TCP_LISTEN, include/net/tcp_states.h
_SKMEMINFO = 7

_HEADER = struct.Struct("=IHHII")  # nlmsghdr: length, type, flags, sequence, port
_REQUEST = struct.Struct(
    "=BBBBI48x"
)  # inet_diag_req_v2: family, protocol, extensions, pad, states, socket id
# inet_diag_msg: family, state, timer, retransmits | port, peer's port | address, peer's | interface, cookie |
# expires, receive queue, write queue, uid, inode
_MESSAGE = struct.Struct("=BBBB HH 16s16s I8s IIIII".replace(" ", ""))
_ATTRIBUTE = struct.Struct("=HH")  # length, type
_ERRNO = struct.Struct("=i")
_DROPS = struct.Struct("=32xI")  # sk_meminfo: the ninth number is sk_drops
_TIMEOUT = struct.pack("@ll", 2, 0)  # the kernel answers at once; a lost answer must not hold the agent
_BUFFER_BYTES = 1 << 16


@dataclass(slots=True)
class Listener:
    """One listening socket: `queued` connections wait for accept, it is full above `limit`.

    `drops` counts since the socket began to listen; None when the kernel does not tell.
    """

    family: int
    address: bytes
    port: int
    queued: int
    limit: int
    drops: int | None
    inode: int

    @property
    def name(self) -> str:
        """`address:port`, IPv6 in brackets."""
        if self.family == socket.AF_INET:
            return f"{socket.inet_ntop(socket.AF_INET, self.address[:4])}:{self.port}"
        return f"[{socket.inet_ntop(socket.AF_INET6, self.address)}]:{self.port}"


class SockDiag:
    """A netlink socket; it stays in the network namespace of the thread that made it."""

    def __init__(self) -> None:
        try:
            self._socket = socket.socket(
                socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, _NETLINK_SOCK_DIAG
            )
        except OSError as error:
            raise NoData(f"no netlink socket of kind sock_diag: {error.strerror}") from None
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, _TIMEOUT)
        self._buffer = bytearray(_BUFFER_BYTES)
        self._sequence = 0

    def close(self) -> None:
        """A socket left open would keep its namespace alive."""
        self._socket.close()

    def listeners(self) -> list[Listener]:
        """All TCP listeners, IPv4 and IPv6. NoData when the kernel refuses."""
        found = []
        for family in (socket.AF_INET, socket.AF_INET6):
            for message, end in self._dump(family):
                listener = parse_listener(self._buffer, message, end)
                if listener is not None:
                    found.append(listener)
        return found

    def _dump(self, family: int) -> Iterator[tuple[int, int]]:
        """Where each message's payload begins and ends in the buffer."""
        self._sequence += 1
        body = _REQUEST.pack(family, socket.IPPROTO_TCP, 1 << (_SKMEMINFO - 1), 0, _LISTEN)
        header = _HEADER.pack(
            _HEADER.size + len(body), _SOCK_DIAG_BY_FAMILY, _REQUEST_DUMP, self._sequence, 0
        )
        try:
            self._socket.send(header + body)
            while True:
                size = self._socket.recv_into(self._buffer)
                for kind, start, end in messages(self._buffer, size, self._sequence):
                    if kind == _DONE:
                        return
                    if kind == _ERROR:
                        raise NoData(_refusal(self._buffer, start, end))
                    yield start, end
        except OSError as error:
            raise NoData(f"the kernel did not answer a sock_diag request: {error.strerror}") from None


def _refusal(buffer: bytearray, start: int, end: int) -> str:
    code = -_ERRNO.unpack_from(buffer, start)[0] if end - start >= _ERRNO.size else 0
    if code == ENOENT:
        return "the kernel has no inet_diag for TCP: load the module tcp_diag (modprobe tcp_diag)"
    return f"the kernel refused a sock_diag request with error {code}"


def messages(buffer: bytes | bytearray, size: int, sequence: int) -> Iterator[tuple[int, int, int]]:
    """(type, payload start, end) of the messages that answer `sequence`; stops at one that is cut short."""
    at = 0
    while at + _HEADER.size <= size:
        length, kind, _, answered, _ = _HEADER.unpack_from(buffer, at)
        if length < _HEADER.size or at + length > size:
            return
        if answered == sequence:
            yield kind, at + _HEADER.size, at + length
        at += (length + 3) & ~3


def parse_listener(buffer: bytes | bytearray, start: int, end: int) -> Listener | None:
    """One inet_diag_msg with its attributes; None when it is too short."""
    if end - start < _MESSAGE.size:
        return None
    family, _, _, _, port, _, address, _, _, _, _, queued, limit, _, inode = _MESSAGE.unpack_from(
        buffer, start
    )
    if family not in (socket.AF_INET, socket.AF_INET6):
        return None
    drops = _parse_drops(buffer, start + _MESSAGE.size, end)
    return Listener(family, address, socket.ntohs(port), queued, limit, drops, inode)


def _parse_drops(buffer: bytes | bytearray, at: int, end: int) -> int | None:
    while at + _ATTRIBUTE.size <= end:
        length, kind = _ATTRIBUTE.unpack_from(buffer, at)
        if length < _ATTRIBUTE.size or at + length > end:
            return None
        if kind == _SKMEMINFO and length >= _ATTRIBUTE.size + _DROPS.size:
            return int(_DROPS.unpack_from(buffer, at + _ATTRIBUTE.size)[0])
        at += (length + 3) & ~3
    return None
