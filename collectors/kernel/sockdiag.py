"""TCP and UDP sockets of a network namespace, over sock_diag (inet_diag): dumps, no walk through /proc/net/tcp.

Listeners and UDP sockets are few and become objects; connections come as tuples, see `connections`.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from collectors.kernel import netlink
from collectors.kernel.connections import OPEN, TIME_WAIT, Run, endpoint, runs

# include/uapi/linux/inet_diag.h
_SOCK_DIAG_BY_FAMILY = 20
# The older request answers for IPv4 and IPv6 at once, so that the kernel walks its tables once only.
_TCPDIAG_GETSOCK = 18
_INFO, _SKMEMINFO, _CGROUP_ID = 2, 7, 21
_LISTEN = 1 << 10  # TCP_LISTEN, include/net/tcp_states.h
_ANY_STATE = 0xFFFFFFFF

_REQUEST = struct.Struct(
    "=BBBB48xII"
)  # inet_diag_req: family, lengths, extensions, socket id, states, device
_REQUEST_V2 = struct.Struct(
    "=BBBBI48x"
)  # inet_diag_req_v2: family, protocol, extensions, pad, states, socket id
# inet_diag_msg: family, state, timer, retransmits | port, peer's port | address, peer's | interface, cookie |
# expires, receive queue, write queue, uid, inode
_MESSAGE = struct.Struct("=BBBB HH 16s16s I8s IIIII".replace(" ", ""))
_MEMORY = struct.Struct(
    "=II24xI"
)  # sk_meminfo: receive memory used, its limit, …, the ninth number is sk_drops
_CGROUP = struct.Struct("=Q")
_NO_INET_DIAG = "the kernel has no inet_diag for {0}: load the module {1} (modprobe {1})"


@dataclass(slots=True)
class Listener:
    """One listening socket: `queued` connections wait for accept, it is full above `limit`.

    `drops` counts since the socket began to listen; None when the kernel does not tell. `cgroup` is the inode of the
    control group (v2) that it was opened in, None before Linux 5.8.
    """

    family: int
    address: bytes
    port: int
    queued: int
    limit: int
    drops: int | None
    inode: int
    cgroup: int | None = None

    @property
    def name(self) -> str:
        """`address:port`, IPv6 in brackets."""
        return endpoint(self.family, self.address, self.port)


@dataclass(slots=True)
class UdpSocket:
    """One UDP socket: bytes that wait to be read with what they take, the most they may take, and drops so far."""

    name: str
    queued_bytes: int
    used_bytes: int
    limit_bytes: int
    drops: int
    inode: int


class SockDiag:
    """The sockets of the network namespace that the calling thread was in when it made this."""

    def __init__(self) -> None:
        absent = _NO_INET_DIAG.format("TCP", "tcp_diag")
        self._netlink = netlink.Netlink(netlink.SOCK_DIAG, "sock_diag", absent)
        self.close = self._netlink.close

    def listeners(self) -> list[Listener]:
        """All TCP listeners, IPv4 and IPv6. NoData when the kernel refuses."""
        ranges = self._netlink.dump(_TCPDIAG_GETSOCK, _request(_LISTEN, _SKMEMINFO))
        found = (parse_listener(self._netlink.buffer, start, end) for start, end in ranges)
        return [listener for listener in found if listener is not None]

    def connections(self, time_waits: bool = False) -> Iterator[Run]:
        """All TCP sockets but listeners, with what the kernel measured on them; those in TIME_WAIT too if wanted."""
        return self._runs(_request(OPEN | time_waits << TIME_WAIT, _SKMEMINFO, _INFO))

    def time_waits(self) -> Iterator[Run]:
        """TCP connections in TIME_WAIT."""
        return self._runs(_request(1 << TIME_WAIT))

    def _runs(self, request: bytes) -> Iterator[Run]:
        for size in self._netlink.parts(_TCPDIAG_GETSOCK, request):
            yield from runs(self._netlink.buffer, size)

    def udp_sockets(self) -> Iterator[UdpSocket]:
        """All UDP sockets, IPv4 and IPv6. NoData without the module udp_diag."""
        self._netlink.absent = _NO_INET_DIAG.format("UDP", "udp_diag")
        for family in (socket.AF_INET, socket.AF_INET6):
            extensions = 1 << (_SKMEMINFO - 1)
            request = _REQUEST_V2.pack(family, socket.IPPROTO_UDP, extensions, 0, _ANY_STATE)
            for start, end in self._netlink.dump(_SOCK_DIAG_BY_FAMILY, request):
                found = parse_udp(self._netlink.buffer, start, end)
                if found is not None:
                    yield found


class KeptSockDiag:
    """Opened when it is first needed and kept between passes; after an error the next pass opens another."""

    def __init__(self) -> None:
        self._open: SockDiag | None = None

    @contextmanager
    def opened(self) -> Iterator[SockDiag]:
        if self._open is None:
            self._open = SockDiag()
        try:
            yield self._open
        except BaseException:
            self._open.close()
            self._open = None
            raise


def _request(states: int, *extensions: int) -> bytes:
    return _REQUEST.pack(socket.AF_UNSPEC, 0, 0, sum(1 << (number - 1) for number in extensions), states, 0)


def parse_listener(buffer: netlink.Buffer, start: int, end: int) -> Listener | None:
    """One inet_diag_msg with its attributes; None when it is too short."""
    if end - start < _MESSAGE.size:
        return None
    family, _, _, _, port, _, address, _, _, _, _, queued, limit, _, inode = _MESSAGE.unpack_from(
        buffer, start
    )
    if family not in (socket.AF_INET, socket.AF_INET6):
        return None
    told = list(netlink.attributes(buffer, start + _MESSAGE.size, end))
    memory = _memory(buffer, told)
    drops = memory[2] if memory else None
    cgroup = _cgroup(buffer, told)
    return Listener(family, address, socket.ntohs(port), queued, limit, drops, inode, cgroup)


def parse_udp(buffer: netlink.Buffer, start: int, end: int) -> UdpSocket | None:
    """One inet_diag_msg of a UDP socket; None when it is too short or the kernel does not tell its memory."""
    if end - start < _MESSAGE.size:
        return None
    family, _, _, _, port, _, address, _, _, _, _, queued, _, _, inode = _MESSAGE.unpack_from(buffer, start)
    memory = _memory(buffer, netlink.attributes(buffer, start + _MESSAGE.size, end))
    if family not in (socket.AF_INET, socket.AF_INET6) or memory is None:
        return None
    name = endpoint(family, address, socket.ntohs(port))
    return UdpSocket(name, queued, *memory, inode)


def _memory(buffer: netlink.Buffer, told: Iterable[tuple[int, int, int]]) -> tuple[int, int, int] | None:
    """Receive memory used, its limit and drops, of the attribute SKMEMINFO."""
    for kind, start, stop in told:
        if kind == _SKMEMINFO and stop - start >= _MEMORY.size:
            used, limit, drops = _MEMORY.unpack_from(buffer, start)
            return used, limit, drops
    return None


def _cgroup(buffer: netlink.Buffer, told: Iterable[tuple[int, int, int]]) -> int | None:
    for kind, start, stop in told:
        if kind == _CGROUP_ID and stop - start == _CGROUP.size:
            return int(_CGROUP.unpack_from(buffer, start)[0]) or None
    return None
