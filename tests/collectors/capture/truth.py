"""A program whose shares of time are known: `truth.py SCENE`. It says `ready` and goes on until it is killed."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
import time


def burn(seconds: float) -> None:
    """CPU time, so that other programs do not change the shares."""
    until = time.thread_time() + seconds
    while time.thread_time() < until:
        sum(range(200))


def seventy() -> None:
    burn(0.014)


def twenty() -> None:
    burn(0.004)


def ten() -> None:
    burn(0.002)


def shares() -> None:
    while True:
        seventy()
        twenty()
        ten()


def sleeper() -> None:
    while True:
        time.sleep(10)


def recursion(depth: int) -> None:
    if depth:
        recursion(depth - 1)
    else:
        shares()


def numbers():
    while True:
        seventy()
        yield 1
        ten()


def generators() -> None:
    for _ in numbers():
        twenty()


async def task_seventy() -> None:
    while True:
        seventy()
        await asyncio.sleep(0)


async def task_thirty() -> None:
    while True:
        burn(0.006)
        await asyncio.sleep(0)


async def tasks() -> None:
    await asyncio.gather(task_seventy(), task_thirty())


def größe_berechnen_数() -> None:  # noqa: N802
    shares()


def threads(count: int) -> None:
    for number in range(count):
        threading.Thread(target=sleeper, name=f"sleeper-{number}", daemon=True).start()
    print("ready", flush=True)
    shares()


def forks() -> None:
    for work in (seventy, ten):
        if not os.fork():
            while True:
                work()
    print("ready", flush=True)
    sleeper()


def execs() -> None:
    """Until it is told by SIGUSR1; then it is another program in the same process."""
    told = threading.Event()
    signal.signal(signal.SIGUSR1, lambda *_: told.set())
    print("ready", flush=True)
    while not told.is_set():
        ten()
    os.execv(sys.executable, [sys.executable, __file__, "shares"])


SCENES = {
    "shares": shares,
    "deep": lambda: recursion(2000),
    "generators": generators,
    "tasks": lambda: asyncio.run(tasks()),
    "unicode": größe_berechnen_数,
    "sleeping": lambda: threads(1),
    "crowd": lambda: threads(499),
    "forks": forks,
    "execs": execs,
}

if __name__ == "__main__":
    sys.setrecursionlimit(10_000)
    # These say so themselves, when all is there.
    if sys.argv[1] not in ("forks", "execs", "sleeping", "crowd"):
        print("ready", flush=True)
    SCENES[sys.argv[1]]()
