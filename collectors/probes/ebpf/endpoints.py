"""Ends of TCP connections as the programs give them (`endpoint.h`), as labels."""

from __future__ import annotations

import socket
import struct
from dataclasses import dataclass
from pathlib import Path

from collectors.kernel import netns
from collectors.readings import Labels

ENDPOINT = struct.Struct("<16sIHBx")
INCOMING, OUTGOING = 0, 1
_MAPPED = bytes(10) + b"\xff\xff"
ANY_V4 = _MAPPED + bytes(4)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """`address` is packed IPv6, IPv4 mapped into it; `netns` the inode of the network namespace."""

    address: bytes
    netns: int
    port: int
    side: int

    @property
    def name(self) -> str:
        return f"{shown(self.address)}:{self.port}"


def parse(group: bytes) -> Endpoint:
    """Of the first bytes of a group."""
    return Endpoint(*ENDPOINT.unpack_from(group))


def shown(address: bytes) -> str:
    """As listeners are named: 127.0.0.1, [::1]."""
    if address.startswith(_MAPPED):
        return socket.inet_ntop(socket.AF_INET, address[len(_MAPPED) :])
    return f"[{socket.inet_ntop(socket.AF_INET6, address)}]"


def with_netns(proc: Path, endpoint: Endpoint, *labels: tuple[str, str]) -> Labels:
    """The labels, and the namespace where it is not the collector's own."""
    foreign = endpoint.netns != netns.inode_of(proc, "self")
    return (*labels, ("netns", str(endpoint.netns))) if foreign else labels
