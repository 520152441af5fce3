"""Clients of `server.py`: `client.py HOST:PORT … [options]`. Each connection asks, and closes first."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import itertools
import resource
import socket


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("destinations", nargs="+")
    parser.add_argument("--rate", type=float, default=20.0, help="new connections a second")
    parser.add_argument("--requests", type=int, default=1, help="on each connection")
    parser.add_argument("--pause", type=float, default=0.0, help="seconds between requests of a connection")
    parser.add_argument(
        "--kept", type=int, default=0, help="connections that are kept and asked, instead of --rate"
    )
    parser.add_argument("--idle", type=int, default=0, help="connections that are opened and never used")
    parser.add_argument(
        "--silent", action="store_true", help="keeps what it opens at --rate, and says nothing"
    )
    parser.add_argument("--burst", type=int, default=0, help="connections at once, instead of --rate")
    parser.add_argument("--every", type=float, default=2.0, help="seconds from burst to burst")
    parser.add_argument("--hang-up", action="store_true", help="closes its half before the answer comes")
    return parser.parse_args()


async def visit(destination: str, requests: int, pause: float, hang_up: bool = False) -> None:
    host, _, port = destination.rpartition(":")
    with contextlib.suppress(OSError, TimeoutError):
        reader, writer = await asyncio.wait_for(asyncio.open_connection(host, int(port)), 10)
        try:
            for _ in range(requests):
                writer.write(b"hello\n")
                await writer.drain()
                if hang_up:
                    writer.write_eof()
                    await asyncio.wait_for(reader.read(), 10)
                    break
                if not await asyncio.wait_for(reader.readline(), 10):
                    break
                await asyncio.sleep(pause)
        finally:
            writer.close()


async def rush(destination: str, count: int) -> None:
    """As many handshakes as there can be at one moment; then each asks once."""
    host, _, port = destination.rpartition(":")
    socks = [socket.socket() for _ in range(count)]
    for sock in socks:
        sock.setblocking(False)
        sock.connect_ex((host, int(port)))
    loop = asyncio.get_running_loop()

    async def ask(sock: socket.socket) -> None:
        with contextlib.suppress(OSError, TimeoutError):
            await asyncio.wait_for(loop.sock_sendall(sock, b"hello\n"), 10)
            await asyncio.wait_for(loop.sock_recv(sock, 4096), 10)
        sock.close()

    await asyncio.gather(*map(ask, socks))


async def for_ever(destination: str, pause: float) -> None:
    while True:
        await visit(destination, 10**9, pause)
        await asyncio.sleep(0.2)


async def keep(destination: str) -> None:
    host, _, port = destination.rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    with contextlib.suppress(OSError):
        await reader.read()
    writer.close()


async def idle(destination: str, count: int) -> None:
    host, _, port = destination.rpartition(":")
    kept = [await asyncio.open_connection(host, int(port)) for _ in range(count)]
    await asyncio.sleep(3600 + len(kept))


async def one(destination: str, given: argparse.Namespace) -> None:
    """What is done once each step."""
    if given.burst:
        await rush(destination, given.burst)
    elif given.silent:
        await keep(destination)
    else:
        await visit(destination, given.requests, given.pause, given.hang_up)


async def go(given: argparse.Namespace) -> None:
    loop, running = asyncio.get_running_loop(), set()
    each = itertools.cycle(given.destinations)
    if given.idle:
        running.add(loop.create_task(idle(given.destinations[0], given.idle)))
    for _ in range(given.kept):
        running.add(loop.create_task(for_ever(next(each), given.pause)))
    step = given.every if given.burst else 1 / given.rate if given.rate else 0.0
    due = loop.time()
    while step and not given.kept:
        task = loop.create_task(one(next(each), given))
        running.add(task)
        task.add_done_callback(running.discard)
        due += step
        await asyncio.sleep(max(0.0, due - loop.time()))
    await asyncio.sleep(3600)


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    asyncio.run(go(options()))
