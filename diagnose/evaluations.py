"""Which hosts' last minutes wait to be looked at: asked for as data arrives, taken by the worker, in Redis between.

A sorted set by when each is due: data that comes meanwhile asks for nothing more, and a fleet needs one task a second,
not one for each batch of each host.
"""

from __future__ import annotations

import time
from collections.abc import Collection
from typing import cast

from diagnose import queue
from diagnose.celery import app

# What a collector sends in one push arrives within this.
DELAY_SECONDS = 2.0
# Of one host at most this often.
EVERY_SECONDS = 5.0
# One task takes what falls due within a second, so that one a second is enough.
_TASK_SECONDS = 1.0
_TAKEN_AT_ONCE = 8
_DUE, _LAST, _TASK = "diagnose:due", "diagnose:evaluated", "diagnose:due:task"


def ask(host_ids: Collection[int]) -> None:
    """Have these hosts evaluated soon; one that waits already stays where it is."""
    if not host_ids:
        return
    client, now = queue.client(), time.time()
    lasts = client.zmscore(_LAST, [str(host) for host in host_ids])
    due = {
        host: max(now + DELAY_SECONDS, min(last or 0.0, now) + EVERY_SECONDS)
        for host, last in zip(host_ids, lasts, strict=True)
    }
    client.zadd(_DUE, {str(host): at for host, at in due.items()}, nx=True)
    if client.set(_TASK, 1, nx=True, px=int(_TASK_SECONDS * 1000)):
        send_task(DELAY_SECONDS)


def send_task(countdown_seconds: float) -> None:
    """Send somebody who takes what is due then."""
    app.send_task("diagnose.tasks.evaluate_due", [], countdown=countdown_seconds)


def waiting() -> bool:
    """Whether any host waits, due or not."""
    return bool(queue.client().zcard(_DUE))


def take() -> list[int]:
    """Some hosts whose time has come, the longest waiting first; whoever is killed with them is asked again."""
    client, now = queue.client(), time.time()
    due = client.zrangebyscore(_DUE, "-inf", now + _TASK_SECONDS, 0, _TAKEN_AT_ONCE)
    ready = [int(name) for name in cast(list[bytes], due)]
    pipe = client.pipeline(transaction=False)
    for host in ready:
        pipe.zrem(_DUE, str(host))
    mine = [host for host, removed in zip(ready, pipe.execute(), strict=True) if removed]
    if mine:
        client.zadd(_LAST, {str(host): now for host in mine})
    return mine
