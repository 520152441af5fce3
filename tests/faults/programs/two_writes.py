"""Requests in two small writes: `two_writes.py serve PORT` and `two_writes.py ask PORT [--at-once] [--no-delay]`."""

from __future__ import annotations

import argparse
import socket
import threading
import time

_HEAD, _BODY = b"h" * 50, b"b" * 49 + b"\n"


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("role", choices=["serve", "ask"])
    parser.add_argument("port", type=int)
    parser.add_argument("--work", type=float, default=0.0, help="seconds the server takes")
    parser.add_argument("--no-delay", action="store_true")
    parser.add_argument("--at-once", action="store_true", help="head and body in one write")
    parser.add_argument("--connections", type=int, default=4)
    return parser.parse_args()


def serve(sock: socket.socket, work: float) -> None:
    got = b""
    while data := sock.recv(4096):
        got += data
        if got.endswith(b"\n"):
            got = b""
            time.sleep(work)
            sock.sendall(b"ok\n")


def ask(given: argparse.Namespace) -> None:
    with socket.create_connection(("127.0.0.1", given.port)) as sock:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, given.no_delay)
        while True:
            if given.at_once:
                sock.sendall(_HEAD + _BODY)
            else:
                sock.sendall(_HEAD)
                sock.sendall(_BODY)
            if not sock.recv(4096):
                return
            time.sleep(0.002)


def main() -> None:
    given = options()
    if given.role == "ask":
        for _ in range(given.connections):
            threading.Thread(target=ask, args=(given,), daemon=True).start()
        threading.Event().wait()
    listener = socket.create_server(("127.0.0.1", given.port))
    while True:
        threading.Thread(target=serve, args=(listener.accept()[0], given.work), daemon=True).start()


if __name__ == "__main__":
    main()
