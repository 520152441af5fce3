"""Wrong passwords slow down whoever tries them, and nobody else.

Counted in Redis: by address, and by the name that is tried. Many addresses that try one name are stopped, too, but not
an address from which that name signed in before: guessing must not lock its owner out.
"""

from __future__ import annotations

import hashlib
import logging

import redis

from diagnose import queue

log = logging.getLogger(__name__)

WINDOW_SECONDS = 300
# A person who forgot a password tries a few; an office behind one address has several people.
MOST_BY_ADDRESS = 20
MOST_BY_NAME = 50
KNOWN_SECONDS = 30 * 86_400
_PREFIX = "diagnose:sign-in:"


def wait_seconds(name: str, address: str | None) -> int:
    """How long this address has to wait before it may try this name; 0: not at all.

    Without Redis nobody has to: people must get in to see why it is away.
    """
    try:
        return _wait(name, address or "")
    except redis.RedisError as error:
        log.warning("wrong passwords are not counted: %s", error)
        return 0


def _wait(name: str, address: str) -> int:
    client = queue.client()
    by_address, by_name = _key("address", address), _key("name", name)
    pipe = client.pipeline(transaction=False)
    for key in (by_address, by_name):
        pipe.get(key)
        pipe.ttl(key)
    pipe.exists(_key("known", name, address))
    tries_here, wait_here, tries_of_name, wait_of_name, known = pipe.execute()
    if int(tries_here or 0) >= MOST_BY_ADDRESS:
        return max(1, int(wait_here))
    if int(tries_of_name or 0) >= MOST_BY_NAME and not known:
        return max(1, int(wait_of_name))
    return 0


def wrong(name: str, address: str | None) -> None:
    """Count a refused attempt."""
    pipe = queue.client().pipeline(transaction=False)
    for key in (_key("address", address or ""), _key("name", name)):
        pipe.set(key, 0, ex=WINDOW_SECONDS, nx=True)
        pipe.incr(key)
    _run(pipe)


def right(name: str, address: str | None) -> None:
    """This name signed in from here: its owner is let in from here whatever others try."""
    pipe = queue.client().pipeline(transaction=False)
    pipe.set(_key("known", name, address or ""), 1, ex=KNOWN_SECONDS)
    pipe.delete(_key("address", address or ""))
    _run(pipe)


def _run(pipe: redis.client.Pipeline) -> None:
    try:
        pipe.execute()
    except redis.RedisError as error:
        log.warning("sign-ins are not counted: %s", error)


def _key(what: str, *of: str) -> str:
    """Names are what people typed, a password at times: they are not kept as they are."""
    told = hashlib.sha256("\0".join(of).casefold().encode(errors="surrogatepass")).hexdigest()[:32]
    return f"{_PREFIX}{what}:{told}"
