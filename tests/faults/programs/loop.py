"""An HTTP service on an event loop: `loop.py PORT MODE [--seconds S]`. Each mode is what a request does."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import tempfile
import time
from collections.abc import Awaitable, Callable


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("port", type=int)
    parser.add_argument("mode", choices=sorted(MODES))
    parser.add_argument("--seconds", type=float, default=0.1)
    return parser.parse_args()


def price_basket(seconds: float) -> None:
    until = time.thread_time() + seconds
    while time.thread_time() < until:
        sum(range(100))


async def compute(seconds: float) -> None:
    price_basket(seconds)


async def sleep(seconds: float) -> None:
    """As every blocking client does: a database's, a resolver's."""
    time.sleep(seconds)


async def write_file(seconds: float) -> None:
    """Writes through to the disk, piece by piece."""
    until = time.monotonic() + seconds
    with tempfile.TemporaryFile(dir="/var/tmp") as file:  # a disk, and not memory
        while time.monotonic() < until:
            file.write(b"x" * 4096)
            file.flush()
            os.fsync(file.fileno())


async def wait(seconds: float) -> None:
    """As it should be."""
    await asyncio.sleep(seconds)


async def short(_: float) -> None:
    sum(range(2000))


MODES: dict[str, Callable[[float], Awaitable[None]]] = {
    "compute": compute,
    "sleep": sleep,
    "file": write_file,
    "wait": wait,
    "short": short,
}


async def serve(given: argparse.Namespace) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            while True:
                await reader.readuntil(b"\r\n\r\n")
                await MODES[given.mode](given.seconds)
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
                await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", given.port, backlog=1024)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(options()))
