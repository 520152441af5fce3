"""One-way traffic: `bulk.py receive HOST:PORT [options]` or `bulk.py send HOST:PORT [options]`."""

from __future__ import annotations

import argparse
import contextlib
import socket
import threading
import time

CHUNK = bytes(65536)


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("role", choices=["receive", "send"])
    parser.add_argument("address")
    parser.add_argument(
        "--buffer", type=int, default=0, help="bytes of SO_RCVBUF or SO_SNDBUF; 0: left to the kernel"
    )
    parser.add_argument("--pause", type=float, default=0.0, help="seconds after each read or write")
    parser.add_argument("--bytes", type=int, default=65536, help="of each read or write")
    parser.add_argument("--connections", type=int, default=1)
    parser.add_argument(
        "--close-after", type=int, default=0, help="bytes, after which a sender closes and begins anew"
    )
    return parser.parse_args()


def receive(sock: socket.socket, given: argparse.Namespace) -> None:
    with contextlib.suppress(OSError):
        while sock.recv(given.bytes):
            time.sleep(given.pause)


def send(address: tuple[str, int], given: argparse.Namespace) -> None:
    while True:
        with contextlib.suppress(OSError), socket.socket() as sock:
            if given.buffer:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, given.buffer)
            sock.connect(address)
            sock.settimeout(5 if given.close_after else None)
            sent = 0
            while not given.close_after or sent < given.close_after:
                sent += sock.send(CHUNK[: given.bytes])
                time.sleep(given.pause)
        time.sleep(0.2)


def main() -> None:
    given = options()
    host, _, port = given.address.rpartition(":")
    if given.role == "send":
        for _ in range(given.connections):
            threading.Thread(target=send, args=((host, int(port)), given), daemon=True).start()
        threading.Event().wait()
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if given.buffer:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, given.buffer)
    listener.bind((host, int(port)))
    listener.listen(1024)
    while True:
        threading.Thread(target=receive, args=(listener.accept()[0], given), daemon=True).start()


if __name__ == "__main__":
    main()
