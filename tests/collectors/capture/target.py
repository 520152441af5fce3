"""A Python process to sample: three threads that compete for the GIL, and one that waits in accept."""

from __future__ import annotations

import socket
import sys
import threading
import time


def hot_loop(rounds: int) -> int:
    total = 0
    for number in range(rounds):
        total += number * number
    return total


def work() -> None:
    while True:
        hot_loop(20_000)


def accept_forever(listener: socket.socket) -> None:
    while True:
        listener.accept()


def main(busy: bool) -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    threading.Thread(target=accept_forever, args=(listener,), name="acceptor", daemon=True).start()
    for number in range(3 if busy else 0):
        threading.Thread(target=work, name=f"worker-{number}", daemon=True).start()
    print("ready", flush=True)
    time.sleep(600)


if __name__ == "__main__":
    main(busy="idle" not in sys.argv)
