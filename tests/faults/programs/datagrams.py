"""UDP: `datagrams.py receive PORT [--work SECONDS]` or `datagrams.py send PORT [--rate N | --burst N --every S]`."""

from __future__ import annotations

import argparse
import contextlib
import socket
import time


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("role", choices=["receive", "send"])
    parser.add_argument("port", type=int)
    parser.add_argument("--work", type=float, default=0.0, help="seconds of CPU a datagram")
    parser.add_argument("--buffer", type=int, default=0)
    parser.add_argument("--burst", type=int, default=10)
    parser.add_argument("--every", type=float, default=0.1)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--bytes", type=int, default=1000)
    return parser.parse_args()


def main() -> None:
    given = options()
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    address = (given.host, given.port)
    if given.role == "receive":
        if given.buffer:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, given.buffer)
        sock.bind(address)
        while sock.recv(65536):
            until = time.perf_counter() + given.work
            while time.perf_counter() < until:
                pass
    while True:
        for _ in range(given.burst):
            with contextlib.suppress(OSError):
                sock.sendto(bytes(given.bytes), address)
        time.sleep(given.every)


if __name__ == "__main__":
    main()
