"""Processes with a listener each on one port (SO_REUSEPORT): `members.py PORT [--count N] [--slow S]`.

Each takes one connection after the other and answers its lines; the first sleeps before each answer.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import socket
import time


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("port", type=int)
    parser.add_argument("--count", type=int, default=4)
    parser.add_argument("--slow", type=float, default=0.0, help="seconds before each answer of the first")
    return parser.parse_args()


def serve(port: int, delay: float) -> None:
    listener = socket.create_server(("127.0.0.1", port), backlog=512, reuse_port=True)
    while True:
        connection, _ = listener.accept()
        with connection, contextlib.suppress(OSError):
            connection.settimeout(5)
            if connection.recv(4096):
                time.sleep(delay)
                connection.sendall(b"ok\n")


def main() -> None:
    given = options()
    for _ in range(given.count - 1):
        if not os.fork():
            serve(given.port, 0.0)
    serve(given.port, given.slow)


if __name__ == "__main__":
    main()
