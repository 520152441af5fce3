"""Worker processes that wait for connections on one listener: `herd.py PORT [--workers N] [--exclusive]`.

Each has an epoll of its own with the listener in it, takes one connection when it is woken, answers and closes.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import select
import socket


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("port", type=int)
    parser.add_argument("--workers", type=int, default=16)
    parser.add_argument("--exclusive", action="store_true", help="wake one worker for a connection")
    return parser.parse_args()


def serve(listener: socket.socket, exclusive: bool) -> None:
    loop = select.epoll()
    loop.register(listener, select.EPOLLIN | (select.EPOLLEXCLUSIVE if exclusive else 0))
    while True:
        loop.poll()
        with contextlib.suppress(BlockingIOError):
            connection, _ = listener.accept()
            with connection, contextlib.suppress(OSError):
                connection.settimeout(10)
                connection.recv(4096)
                connection.sendall(b"ok\n")


def main() -> None:
    given = options()
    listener = socket.create_server(("127.0.0.1", given.port), backlog=1024)
    listener.setblocking(False)
    for _ in range(given.workers - 1):
        if not os.fork():
            break
    serve(listener, given.exclusive)


if __name__ == "__main__":
    main()
