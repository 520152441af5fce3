"""A writer that is killed -9 at a chosen point, and then the batch once more; run as a program, it prints the result.

Every step runs in a fork of its own, so the process that dies is a real one with its own open transactions.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable
from types import ModuleType
from typing import Any

import django
import kombu.transport.redis  # noqa: F401 — loaded once here instead of in every fork

HOUR_NS = 3600 * 10**9


def in_fork(step: Callable[[], None]) -> int:
    """The wait status of a child that runs `step`."""
    pid = os.fork()
    if pid:
        return os.waitpid(pid, 0)[1]
    failed = True
    try:
        step()
        failed = False
    finally:
        if failed:
            traceback.print_exc()
        os._exit(failed)


def dying(module: ModuleType, name: str, after_calls: int) -> None:
    """Let the process die right after the given call of a function has returned."""
    original = getattr(module, name)
    calls = 0

    def wrapper(*args: Any, **kwargs: Any) -> Any:
        nonlocal calls
        result = original(*args, **kwargs)
        calls += 1
        if calls == after_calls:
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    setattr(module, name, wrapper)


def main() -> None:
    django.setup()
    from django.core.management import call_command

    if in_fork(lambda: call_command("migrate", verbosity=0)):
        sys.exit("the database could not be made")
    print(json.dumps([round_of(number, *point) for number, point in enumerate(points(), 1)]))


def points() -> list[tuple[ModuleType, str, int]]:
    """Where the writer dies: each batch touches two day files with profiles and points, then the main database."""
    from diagnose.ingest import hoststate, ledger, pending
    from diagnose.store import applied, dictionary, serieskeys
    from diagnose.store.sql import metrics, profiles

    return [
        (pending, "take", 1),
        (dictionary, "all_stack_numbers", 1),
        (serieskeys, "series_numbers", 1),
        *((applied, "claim", call) for call in (1, 2, 3, 4)),  # inside a day's open transaction
        *((profiles, "_append_to", call) for call in (1, 2)),
        *((metrics, "_append_to", call) for call in (1, 2)),
        (hoststate, "add_events", 1),  # inside the main database's open transaction
        (ledger, "finish", 1),
    ]


def round_of(number: int, module: ModuleType, name: str, calls: int) -> dict[str, Any]:
    """A group of batches of a fresh epoch: killed, written again, given once more."""
    from diagnose.ingest import write

    epoch = f"{number:x}"
    midnight = time.time_ns() // (24 * HOUR_NS) * 24 * HOUR_NS

    def die() -> None:
        put_batches(epoch, midnight)
        dying(module, name, calls)
        write.write_waiting()

    def repeat() -> None:
        for _ in range(2):
            write.write_waiting()
            put_batches(epoch, midnight)
        write.write_waiting()
        os.write(end, json.dumps(stored(epoch, midnight)).encode())

    killed = os.WTERMSIG(in_fork(die)) == signal.SIGKILL
    begin, end = os.pipe()
    if in_fork(repeat):
        sys.exit(f"the batch could not be written after {name}")
    found = json.loads(os.read(begin, 65_536))
    os.close(begin)
    os.close(end)
    return {"point": f"{name} {calls}", "killed": killed, **found}


def put_batches(epoch: str, midnight: int) -> None:
    """Three batches with points and profiles on both sides of midnight, where the worker finds them."""
    from diagnose import queue
    from diagnose.ingest import pending
    from diagnose.models import Host
    from tests.batches import body_of
    from tests.diagnose.ingest.conftest import points, stacks

    host, _ = Host.objects.get_or_create(pk=1, identity="0" * 32, name="web-1")
    sides = midnight - 60 * 10**9, midnight + 60 * 10**9
    samples = [
        *(points("load1", [1.0, 1.0], end_ns=side, epoch=epoch) for side in sides),
        *(stacks({("main", epoch): 5}, service=f"shop-{epoch}", end_ns=side) for side in sides),
    ]
    for seq in (1, 2, 3):
        queue.client().delete(f"{queue.payload_key(1, epoch, seq)}:offered")
        body = body_of(samples, epoch=epoch, host=host.identity, seq=seq)
        pending.offer(1, epoch, seq, body, time.time_ns())


def stored(epoch: str, midnight: int) -> dict[str, Any]:
    from diagnose.ingest import ledger
    from diagnose.store import profiles, series

    span = midnight - HOUR_NS, midnight + HOUR_NS
    found = series.read(series.find([1], "load1", {"epoch": epoch}), *span)
    merged = profiles.merge(profiles.Selector(f"shop-{epoch}", "cpu"), *span)
    return {
        "points": sum(float(values.sum()) for _, values in found.values()),
        "samples": int(merged.counts.sum()),
        "committed": ledger.committed_seq(1, epoch),
    }


if __name__ == "__main__":
    main()
