"""Who waits for the interpreter lock, in every CPython that is here."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from collectors.capture.gilwaits import GilWaits, Shares
from tests.collectors.capture.interpreters import interpreters

PROGRAM = """
import sys, threading, time

def spin():
    while True:
        sum(number * number for number in range(1000))

taken = threading.Lock()
taken.acquire()
for _ in range(int(sys.argv[1])):
    threading.Thread(target=spin, daemon=True).start()
for _ in range(3):
    threading.Thread(target=taken.acquire, daemon=True).start()
    threading.Thread(target=time.sleep, args=(60,), daemon=True).start()
print("ready", flush=True)
taken.acquire(timeout=60)
"""


@contextmanager
def contending(python: str, threads: int) -> Iterator[int]:
    """So many threads that compete, three that wait for a lock, three that sleep, a main thread in a timed wait."""
    process = subprocess.Popen(
        [python, "-c", PROGRAM, str(threads)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        yield process.pid
    finally:
        process.kill()
        process.communicate()


def looked_at(pid: int, looks: int = 30) -> Shares:
    watching = GilWaits(pid, Path("/proc"))
    for _ in range(looks):
        watching.look(float("inf"))
        time.sleep(0.01)
    return watching.shares


@pytest.mark.root(to="see system calls of other processes")
@pytest.mark.parametrize("version", interpreters())
def test_threads_that_compete_wait_and_those_that_wait_for_something_else_do_not(version):
    with contending(interpreters()[version], 4) as pid:
        many = looked_at(pid)
    with contending(interpreters()[version], 1) as pid:
        alone = looked_at(pid)
    # On a busy machine those whose 5 ms are over wait for a CPU, not for the lock.
    assert 1.0 <= many.waiting / many.looks <= 3.2
    assert alone.waiting <= 0.1 * alone.looks


def test_a_process_that_is_gone_tells_nothing():
    process = subprocess.Popen(["/bin/true"])
    process.wait()
    assert looked_at(process.pid, 2) == Shares()


def test_looks_are_as_far_apart_as_they_are_dear(busy, monkeypatch):
    watching = GilWaits(busy.pid, Path("/proc"))
    watching.look(100.0)
    watching.look(100.1)
    assert watching.shares.looks == 1
    watching.look(200.0)
    assert watching.shares.looks == 2
