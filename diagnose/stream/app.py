"""ASGI entry point for granian: `granian --interface asgi diagnose.stream.app:application`, one worker."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
from collections.abc import Awaitable, Callable

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "diagnose.settings")

import redis.asyncio
from django.conf import settings
from redis.exceptions import RedisError

from diagnose import queue
from diagnose.access import tickets
from diagnose.access.problems import Problem
from diagnose.stream import handlers
from diagnose.stream.asgi import Answer, Receive, Request, Scope, Send
from diagnose.stream.handlers import Exchange
from diagnose.stream.waiters import Full, Waiter, Waiters

_LOG = logging.getLogger(__name__)
# Everyone who is woken at once queues for these, instead of opening thousands of connections.
_CONNECTIONS = 16
_REDIS_SECONDS = 4.0
# Each address, and what its tickets are for.
_ADDRESSES: dict[str, tuple[Callable[[Exchange], Awaitable[None]], str]] = {
    "/commands": (handlers.commands, queue.COMMANDS),
    "/events": (handlers.events, queue.CAPTURE),
}


class Application:
    """The waiters and connections of one process."""

    def __init__(self) -> None:
        self._waiters = Waiters()
        self._client: redis.asyncio.Redis | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif scope["type"] == "http":
            request = Request.of(scope)
            await self._answer(request, Answer(request, send), receive)

    async def _live(self, receive: Receive, send: Send) -> None:
        """From the server's start to its end."""
        await receive()
        self._client = _client()
        subscriber = redis.asyncio.Redis.from_url(settings.REDIS_URL, socket_timeout=None)
        listening = asyncio.create_task(self._waiters.listen(subscriber))
        _on_stop(self._waiters.close)
        await send({"type": "lifespan.startup.complete"})
        await receive()
        self._waiters.close()
        listening.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await listening
        await subscriber.aclose()
        await self._client.aclose()
        await send({"type": "lifespan.shutdown.complete"})

    async def _answer(self, request: Request, answer: Answer, receive: Receive) -> None:
        try:
            await self._dispatch(request, answer, receive)
        except Problem as problem:
            await answer.problem(problem)
        except Full:
            detail = "This process holds as many waiting requests as it may; ask again later."
            await answer.problem(Problem(503, "Too many waiting", detail, headers={"Retry-After": "5"}))
        except RedisError as error:
            _LOG.warning("%s: %s", request.path, error)
            if answer.begun:  # the page's EventSource connects again
                await answer.write(b"", more=False)
            else:
                detail = "The queue does not answer; see that Redis or Valkey runs."
                await answer.problem(Problem(503, "Queue away", detail, headers={"Retry-After": "2"}))

    async def _dispatch(self, request: Request, answer: Answer, receive: Receive) -> None:
        if request.method != "GET":
            raise Problem(405, "Method not allowed", f"{request.path} takes GET.", headers={"Allow": "GET"})
        if request.path == "/health":
            await answer.whole(
                200 if self._waiters.connected else 503, b'{"waiting": %d}' % len(self._waiters)
            )
            return
        if request.path not in _ADDRESSES or self._client is None:
            raise Problem(404, "Nothing here", f"{request.path[:80]} is no address of the stream process.")
        handle, allowed = _ADDRESSES[request.path]
        stream = tickets.verify(request.query.get("ticket", ""))
        if not stream.startswith(allowed):
            raise Problem(403, "Another ticket", f"This ticket is not for {request.path}; ask the API again.")
        with self._waiters.waiter(stream) as waiter:
            watching = asyncio.create_task(_watch(receive, waiter))
            try:
                await handle(Exchange(request, answer, stream, waiter, self._client))
            finally:
                watching.cancel()


async def _watch(receive: Receive, waiter: Waiter) -> None:
    """Tell the waiter when its client hangs up."""
    while (await receive())["type"] != "http.disconnect":
        pass
    waiter.leave()


def _on_stop(leave: Callable[[], None]) -> None:
    """Granian waits for open requests before it says lifespan.shutdown, and ours would keep it waiting.

    asyncio hears of signals through its wakeup descriptor, whatever the handler does: granian's own handling stays.
    """
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: loop.call_soon_threadsafe(leave))


def _client() -> redis.asyncio.Redis:
    pool = redis.asyncio.BlockingConnectionPool.from_url(
        settings.REDIS_URL,
        max_connections=_CONNECTIONS,
        timeout=_REDIS_SECONDS,
        socket_timeout=_REDIS_SECONDS,
        socket_connect_timeout=2,
    )
    return redis.asyncio.Redis.from_pool(pool)


application = Application()
