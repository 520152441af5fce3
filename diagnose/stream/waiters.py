"""Those who wait for a stream, woken by one Redis subscription for all of them."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Iterator

import redis.asyncio
from redis.exceptions import RedisError

from diagnose.queue import WAKE_CHANNEL

_LOG = logging.getLogger(__name__)
MAX_WAITERS = 4096
_BACKOFF_SECONDS = (0.1, 5.0)


class Full(Exception):
    """There are as many waiters as this process takes."""


class Waiter:
    """One request. `changed` returns when there may be news, when the client left, or when the process ends."""

    def __init__(self) -> None:
        self.gone = False
        self._event = asyncio.Event()

    def wake(self) -> None:
        self._event.set()

    def leave(self) -> None:
        """The client hung up, or we do."""
        self.gone = True
        self._event.set()

    async def changed(self, seconds: float) -> bool:
        """False when nothing happened for so long. News since the call before counts."""
        try:
            async with asyncio.timeout(max(0.0, seconds)):
                await self._event.wait()
        except TimeoutError:
            return False
        self._event.clear()
        return True


class Waiters:
    """All of them, by the name of the stream they wait for."""

    def __init__(self, most: int = MAX_WAITERS) -> None:
        self._most = most
        self._waiting: dict[str, set[Waiter]] = {}
        self._count = 0
        self.connected = False
        self.closing = False

    def __len__(self) -> int:
        return self._count

    @contextlib.contextmanager
    def waiter(self, stream: str) -> Iterator[Waiter]:
        """Raises Full."""
        if self._count >= self._most or self.closing:
            raise Full
        waiter = Waiter()
        self._waiting.setdefault(stream, set()).add(waiter)
        self._count += 1
        try:
            yield waiter
        finally:
            self._count -= 1
            others = self._waiting[stream]
            others.discard(waiter)
            if not others:
                del self._waiting[stream]

    async def listen(self, client: redis.asyncio.Redis) -> None:
        """Until cancelled. After each new connection everyone looks again: wakes may have been missed."""
        first, longest = _BACKOFF_SECONDS
        wait = first
        while True:
            try:
                async with client.pubsub() as subscription:
                    await subscription.subscribe(WAKE_CHANNEL)
                    async for message in subscription.listen():
                        if message["type"] == "subscribe":
                            self.connected, wait = True, first
                            self._wake(*self._waiting)
                        elif message["type"] == "message":
                            self._wake(message["data"].decode())
            except (RedisError, OSError) as error:
                self.connected = False
                _LOG.warning("waiting for the queue: %s", error)
                await asyncio.sleep(wait)
                wait = min(wait * 2, longest)

    def close(self) -> None:
        """Let everyone go, and take nobody in."""
        self.closing = True
        for waiters in self._waiting.values():
            for waiter in waiters:
                waiter.leave()

    def _wake(self, *streams: str) -> None:
        for stream in streams:
            for waiter in self._waiting.get(stream, ()):
                waiter.wake()
