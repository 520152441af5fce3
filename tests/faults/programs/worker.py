"""A TCP server that does some work for each line and answers `ok`, a thread a connection. `worker.py PORT [options]`.

The work is the sum of what is asked for: computing, memory that is kept, memory that is touched, a file that is read or
written.
"""

from __future__ import annotations

import argparse
import mmap
import os
import random
import socketserver
import time
from pathlib import Path
from typing import Any

KEPT: list[bytes] = []
CACHE: dict[int, bytes] = {}
PAGE = 4096


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("port", type=int)
    parser.add_argument("--processes", type=int, default=1, help="that accept from the same listener")
    parser.add_argument("--compute", type=float, default=0.0, help="CPU seconds a request")
    parser.add_argument("--keep", type=int, default=0, help="bytes a request that are never given back")
    parser.add_argument("--cache", type=int, default=0, help="keys of a cache, of which a request asks one")
    parser.add_argument("--cached", type=int, default=50_000, help="bytes of what a key stands for")
    parser.add_argument(
        "--touch", type=int, default=0, help="bytes of memory, of which a request touches a part"
    )
    parser.add_argument("--at-rest", type=int, default=0, help="bytes that were used once and go to swap")
    parser.add_argument("--read", type=Path, help="a file of which a request reads a part")
    parser.add_argument("--pages", type=int, default=64, help="pages that a request touches or reads")
    parser.add_argument("--write", type=Path, help="a file that a request is appended to, and synced")
    return parser.parse_args()


class Work:
    """What a request costs."""

    def __init__(self, given: argparse.Namespace) -> None:
        self.given = given
        self.memory = mmap.mmap(-1, given.touch) if given.touch else None
        for at in range(0, given.touch, PAGE):
            self.memory[at : at + 8] = os.urandom(8)  # type: ignore[index]
        self.resting = mmap.mmap(-1, given.at_rest) if given.at_rest else None
        if self.resting:
            for at in range(0, given.at_rest, PAGE):
                self.resting[at : at + 8] = os.urandom(8)
            self.resting.madvise(21)  # MADV_PAGEOUT, Linux 5.4
        self.file = os.open(given.read, os.O_RDONLY) if given.read else -1
        self.size = os.fstat(self.file).st_size if given.read else 0
        self.log = os.open(given.write, os.O_WRONLY | os.O_CREAT | os.O_APPEND) if given.write else -1
        if given.read:
            os.posix_fadvise(self.file, 0, 0, os.POSIX_FADV_RANDOM)

    def do(self) -> None:
        given = self.given
        until = time.thread_time() + given.compute
        while time.thread_time() < until:
            pass
        if given.keep:
            KEPT.append(b"k" * given.keep)
        if given.cache:
            key = random.randrange(given.cache)
            if key not in CACHE:
                CACHE[key] = b"c" * given.cached
        if self.memory:
            for _ in range(given.pages):
                at = random.randrange(given.touch // PAGE) * PAGE
                self.memory[at] = (self.memory[at] + 1) % 256
        if given.read:
            for _ in range(given.pages):
                os.pread(self.file, PAGE, random.randrange(self.size // PAGE) * PAGE)
        if given.write:
            os.write(self.log, b"w" * PAGE)
            os.fsync(self.log)


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = daemon_threads = True
    request_queue_size = 1024


def handler(work: Work) -> type[socketserver.StreamRequestHandler]:
    class Answer(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            try:
                while self.rfile.readline():
                    work.do()
                    self.wfile.write(b"ok\n")
            except OSError:  # the client is gone
                pass

    return Answer


def main() -> None:
    given = options()
    server: Any = Server(("127.0.0.1", given.port), None)  # type: ignore[arg-type]
    for _ in range(given.processes - 1):
        if not os.fork():
            break
    server.RequestHandlerClass = handler(Work(given))
    server.serve_forever()


if __name__ == "__main__":
    main()
