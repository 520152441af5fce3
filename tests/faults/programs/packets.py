"""Small UDP packets, many at a call (UDP_SEGMENT): `packets.py HOST PORT CPU`, as fast as that CPU can."""

from __future__ import annotations

import contextlib
import os
import socket
import sys

_UDP_SEGMENT = 103  # include/uapi/linux/udp.h
_EACH_BYTES, _AT_ONCE = 64, 60


def main(host: str, port: int, cpu: int) -> None:
    os.sched_setaffinity(0, {cpu})
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.setsockopt(socket.IPPROTO_UDP, _UDP_SEGMENT, _EACH_BYTES)
    data = bytes(_EACH_BYTES * _AT_ONCE)
    while True:
        with contextlib.suppress(OSError):
            sock.sendto(data, (host, port))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
