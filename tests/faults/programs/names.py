"""A name server and a program that asks it: `names.py serve [--delay S] [--lose SHARE]`, `names.py ask [--threads N]`.

The asking side goes the way of every program, through getaddrinfo() of the C library and /etc/resolv.conf.
"""

from __future__ import annotations

import argparse
import contextlib
import random
import socket
import struct
import threading
import time

_A, _TTL = 1, 60


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("role", choices=["serve", "ask"])
    parser.add_argument("--delay", type=float, default=0.0, help="seconds until it answers")
    parser.add_argument(
        "--late-share", type=float, default=1.0, help="share of the questions that --delay is for"
    )
    parser.add_argument("--lose", type=float, default=0.0, help="share of the questions that are dropped")
    parser.add_argument("--threads", type=int, default=8)
    parser.add_argument("--pause", type=float, default=0.3, help="seconds between the names of a thread")
    return parser.parse_args()


def answer(question: bytes) -> bytes:
    """One address for A, none for anything else."""
    end = question.index(b"\0", 12) + 5
    (kind,) = struct.unpack_from(">H", question, end - 4)
    count = 1 if kind == _A else 0
    header = question[:2] + struct.pack(">HHHHH", 0x8180, 1, count, 0, 0)
    record = struct.pack(">HHHIH4s", 0xC00C, _A, 1, _TTL, 4, bytes((127, 0, 0, 1)))
    return header + question[12:end] + record * count


def serve(delay: float, late_share: float, lose: float) -> None:
    sock, chance = socket.socket(socket.AF_INET, socket.SOCK_DGRAM), random.Random(1)
    sock.bind(("127.0.0.1", 53))
    while True:
        question, peer = sock.recvfrom(4096)
        if chance.random() < lose:
            continue
        wait = delay if chance.random() < late_share else 0.0
        threading.Timer(wait, sock.sendto, (answer(question), peer)).start()


def ask(threads: int, pause: float) -> None:
    def go(number: int) -> None:
        asked = 0
        while True:
            asked += 1
            with contextlib.suppress(OSError):
                socket.getaddrinfo(f"host-{number}-{asked}.example.org", 80)
            time.sleep(pause)

    for number in range(threads):
        threading.Thread(target=go, args=(number,), daemon=True).start()
    time.sleep(3600)


def main() -> None:
    given = options()
    if given.role == "serve":
        serve(given.delay, given.late_share, given.lose)
    ask(given.threads, given.pause)


if __name__ == "__main__":
    main()
