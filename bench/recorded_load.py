"""Records a real service under a real load, for the trials of verification: `python -m bench.recorded_load FILE`.

A small HTTP server (JSON of a varying size, one request in twenty dearer) is asked over 32 kept connections at a rate
that does not wait for answers, ten minutes at 500 a second and ten with the rate changing every minute. Every ten
seconds what was counted is kept: requests, errors, CPU seconds of the server, and the times until the answer in the
collector's own buckets (`loglin20`). As root both go before whatever else runs on the machine.
"""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import json
import os
import random
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

from collectors.histograms import bucket_of

TILE_SECONDS = 10.0
STEADY = ((500.0, 600.0),)
STEPS = tuple((rate, 60.0) for rate in (250, 500, 750, 350, 600, 200, 700, 400, 550, 300))
CONNECTIONS = 32
_REQUEST = b"GET /items HTTP/1.1\r\nHost: shop\r\n\r\n"
_CPU_TICKS = os.sysconf("SC_CLK_TCK")


async def serve() -> None:
    """Answers on a port of its own choice, which it prints."""
    draw = random.Random(1)

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            while await reader.readuntil(b"\r\n\r\n"):
                items = 400 if draw.random() < 0.05 else draw.randint(20, 60)
                body = json.dumps([{"id": n, "name": f"item {n}", "price": n * 1.1} for n in range(items)])
                head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n\r\n"
                writer.write(head.encode() + body.encode())
                await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


class Counted:
    """What happened in the present tile."""

    def __init__(self) -> None:
        self.requests = self.errors = 0
        self.buckets: Counter[int] = Counter()

    def take(self) -> dict[str, object]:
        taken = {"requests": self.requests, "errors": self.errors, "buckets": sorted(self.buckets.items())}
        self.__init__()  # type: ignore[misc]
        return taken


async def ask(port: int, due: asyncio.Queue[float], counted: Counted) -> None:
    """One connection: the time counts from when the request was due, not from when its turn came."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    while True:
        at = await due.get()
        writer.write(_REQUEST)
        head = await reader.readuntil(b"\r\n\r\n")
        await reader.readexactly(int(head.partition(b"Content-Length: ")[2].partition(b"\r\n")[0]))
        counted.requests += 1
        counted.buckets[bucket_of("loglin20", time.perf_counter() - at)] += 1


async def load(port: int, pid: int, schedule: tuple[tuple[float, float], ...]) -> list[dict[str, object]]:
    """The tiles of one schedule of (rate, seconds)."""
    due: asyncio.Queue[float] = asyncio.Queue()
    counted, tiles = Counted(), []
    clients = [asyncio.create_task(ask(port, due, counted)) for _ in range(CONNECTIONS)]
    draw, at = random.Random(2), time.perf_counter()
    ends, spent = at + TILE_SECONDS, _cpu_seconds(pid)
    for rate, seconds in schedule:
        until = at + seconds
        while at < until:
            at += draw.expovariate(rate)
            await asyncio.sleep(max(0.0, at - time.perf_counter()))
            due.put_nowait(at)
            if at >= ends:
                now = _cpu_seconds(pid)
                tiles.append({"rate": rate, "cpu_seconds": round(now - spent, 3), **counted.take()})
                ends, spent = ends + TILE_SECONDS, now
    for client in clients:
        client.cancel()
    return tiles


def _cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    return (int(fields[11]) + int(fields[12])) / _CPU_TICKS


def main() -> None:
    with contextlib.suppress(PermissionError):
        os.nice(-15)
    if sys.argv[1:] == ["serve"]:
        asyncio.run(serve())
        return
    server = subprocess.Popen(
        [sys.executable, "-m", __spec__.name, "serve"], stdout=subprocess.PIPE, text=True
    )
    try:
        assert server.stdout is not None
        port = int(server.stdout.readline())
        recording = {
            "tile_seconds": TILE_SECONDS,
            "scheme": "loglin20",
            "steady": asyncio.run(load(port, server.pid, STEADY)),
            "steps": asyncio.run(load(port, server.pid, STEPS)),
        }
    finally:
        server.terminate()
        server.wait()
    text = json.dumps(recording, separators=(",", ":"))
    Path(sys.argv[1]).write_bytes(gzip.compress(text.encode(), mtime=0))


if __name__ == "__main__":
    main()
