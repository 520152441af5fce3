"""Many collectors that wait for commands, in one process: `python -m bench._pollers WEB_PORT SECONDS < tokens`.

Each asks the web process for a ticket, keeps its connection to the stream process and asks there again and again, as
`collectors.delivery.asking` does. Every command that arrives is printed as `id nanoseconds`; at first `ready`, when
all wait.
"""

from __future__ import annotations

import asyncio
import json
import random
import sys
import time
from dataclasses import dataclass, field
from urllib.parse import urlencode, urlsplit

from collectors.delivery.asking import WAIT_SECONDS

_CONNECT_SECONDS = 10.0


@dataclass(slots=True)
class Crowd:
    """`waiting` have sent their first question to the stream process."""

    web_port: int
    size: int
    waiting: int = 0
    failures: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Connection:
    """One kept connection of plain HTTP."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def get(self, target: str, headers: str = "") -> tuple[int, dict[str, str], bytes]:
        self.writer.write(f"GET {target} HTTP/1.1\r\nHost: 127.0.0.1\r\n{headers}\r\n".encode())
        status = int((await self.reader.readline()).split()[1])
        found: dict[str, str] = {}
        while line := (await self.reader.readline()).decode().strip():
            name, _, value = line.partition(":")
            found[name.lower()] = value.strip()
        return status, found, await self._body(found)

    async def _body(self, headers: dict[str, str]) -> bytes:
        if "content-length" in headers:
            return await self.reader.readexactly(int(headers["content-length"]))
        body = b""
        while size := int(await self.reader.readline(), 16):
            body += await self.reader.readexactly(size)
            await self.reader.readline()
        await self.reader.readline()
        return body


async def connected(port: int) -> Connection:
    async with asyncio.timeout(_CONNECT_SECONDS):
        return Connection(*await asyncio.open_connection("127.0.0.1", port))


async def collect(crowd: Crowd, token: str) -> None:
    """One collector, for ever."""
    await asyncio.sleep(random.uniform(0, WAIT_SECONDS / 5))
    after, first = "", True
    while True:
        web = await connected(crowd.web_port)
        question = f"/api/v1/commands?wait={WAIT_SECONDS}&after={after}"
        _, headers, _ = await web.get(question, f"Authorization: Bearer {token}\r\n")
        web.writer.close()
        place = urlsplit(headers["location"])
        stream = await connected(place.port or 80)
        ticket = place.query.partition("ticket=")[2].partition("&")[0]
        while True:
            if first:
                crowd.waiting, first = crowd.waiting + 1, False
            query = urlencode({"wait": WAIT_SECONDS, "after": after})
            status, _, body = await stream.get(f"/commands?ticket={ticket}&{query}")
            if status != 200:
                break
            answer = json.loads(body)
            after = answer["after"]
            for command in answer["commands"]:
                print(command["id"], time.time_ns(), flush=True)


async def watched(crowd: Crowd, token: str) -> None:
    try:
        await collect(crowd, token)
    except Exception as error:  # noqa: BLE001 — one that fails must be seen, and end no other
        crowd.failures.append(f"{type(error).__name__}: {error}")


async def main(web_port: int, seconds: float, tokens: list[str]) -> None:
    crowd = Crowd(web_port, len(tokens))
    tasks = [asyncio.create_task(watched(crowd, token)) for token in tokens]
    ends = time.monotonic() + seconds
    while crowd.waiting < crowd.size and time.monotonic() < ends and not crowd.failures:
        await asyncio.sleep(0.1)
    print("failed" if crowd.failures else "ready", *crowd.failures[:1], flush=True)
    while time.monotonic() < ends and not crowd.failures:
        await asyncio.sleep(0.5)
    for failure in crowd.failures[:3]:
        print(failure, file=sys.stderr)
    for task in tasks:
        task.cancel()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), float(sys.argv[2]), sys.stdin.read().split()))
