"""The two things one can wait for: a host's commands, and a capture's events."""

from __future__ import annotations

import time
from dataclasses import dataclass

import redis.asyncio

from diagnose.stream import entries, question
from diagnose.stream.asgi import Answer, Request
from diagnose.stream.entries import Entry
from diagnose.stream.waiters import Waiter

# Proxies close what is silent for a minute; and a client that vanished is noticed when it is written to.
HEARTBEAT_SECONDS = 15.0
# A page reconnects by itself, through the API, which asks anew whether its user may look.
MAX_EVENTS_SECONDS = 900.0
_RETRY_MILLISECONDS = 1000
_MOST_ENTRIES = 200


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request with all that answering it needs. `stream` is the one that its ticket allows."""

    request: Request
    answer: Answer
    stream: str
    waiter: Waiter
    client: redis.asyncio.Redis

    async def read(self, after: str) -> list[Entry]:
        """Entries after that position, oldest first."""
        answer = await self.client.xrange(self.stream, entries.since(after), "+", count=_MOST_ENTRIES)
        return entries.listed(answer)

    async def newest(self) -> list[Entry]:
        return entries.listed(await self.client.xrevrange(self.stream, count=1))


async def commands(exchange: Exchange) -> None:
    """`?wait=` seconds for commands after the position `?after=`; answered at once when there are any."""
    after = question.position(exchange.request.query.get("after", ""), "after")
    deadline = time.monotonic() + question.wait_seconds(exchange.request.query.get("wait", "25"))
    while True:
        found = entries.commands(await exchange.read(after), after, time.time_ns())
        after = found.after
        left = deadline - time.monotonic()
        if found.commands or exchange.waiter.gone or not await exchange.waiter.changed(left):
            await exchange.answer.whole(200, found.body(time.time_ns()))
            return


async def events(exchange: Exchange) -> None:
    """A text/event-stream that begins with the newest event, or after Last-Event-ID, and ends with the last one."""
    position = question.position(exchange.request.headers.get("last-event-id", ""), "Last-Event-ID")
    newest = await exchange.newest()
    found = await exchange.read(position) if position else newest
    if position and not found and newest and entries.is_final(newest[0]):
        await exchange.answer.whole(204, b"")  # tells the browser not to connect again
        return
    await exchange.answer.begin(200, "text/event-stream", {"X-Accel-Buffering": "no"})
    await exchange.answer.write(b"retry: %d\n\n" % _RETRY_MILLISECONDS)
    await _follow(exchange, found, position)
    await exchange.answer.write(b"", more=False)


async def _follow(exchange: Exchange, found: list[Entry], position: str) -> None:
    end = time.monotonic() + MAX_EVENTS_SECONDS
    while True:
        for entry in found:
            await exchange.answer.write(entries.server_sent(entry))
            position = entry[0].decode()
            if entries.is_final(entry):
                return
        if not await exchange.waiter.changed(HEARTBEAT_SECONDS):
            await exchange.answer.write(b": nothing new\n\n")
        if exchange.waiter.gone or time.monotonic() > end:
            return
        found = await exchange.read(position)
