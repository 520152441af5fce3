"""What threads wait for: each wait made by a real process, and the text of the kernel read alone."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.kernel import procfs, waits
from collectors.kernel.waits import Wait
from collectors.probe import NoData
from collectors.probes.proc import threads as threads_module
from collectors.probes.proc.processes import Processes
from collectors.probes.proc.threads import TELL_SECONDS, Threads
from collectors.processes import identity, interpreterlock, watched
from collectors.wire import Points
from tests.collectors.kernel.test_procfs import child
from tests.collectors.probes.recorded import LINUX_6_18, LIVE, host

WAITING = """
import os, queue, select, socket, subprocess, threading, time
lock = threading.Lock()
lock.acquire()
server = socket.create_server(("127.0.0.1", 0))
one, two = socket.socketpair()
reader, writer = os.pipe()
event = threading.Event()
jobs = [lock.acquire] * 3
jobs += [server.accept, lambda: one.recv(1), lambda: os.read(reader, 1)]
jobs += [lambda: select.select([two], [], []), lambda: time.sleep(60)]
for job in jobs: threading.Thread(target=job, daemon=True).start()
time.sleep(0.4)
"""
CONTENDED = """
import threading
def spin():
    while True: pass
for _ in range(4): threading.Thread(target=spin, daemon=True).start()
"""


def looked_at(pid: int, looks: int, pause: float = 0.0) -> dict[tuple[str, ...], float]:
    """What the second telling says of one process, by metric and last label."""
    stat = procfs.stat(LIVE, pid)
    process = identity.Process(pid, stat.name, "shop", "python3.11", stat.start_ticks)
    watched.of(LIVE).processes = [process]
    probe, start = Threads(), time.time_ns()
    try:
        list(probe.collect(host(LIVE, start)))
        list(probe.collect(host(LIVE, start + int(TELL_SECONDS * 1e9))))
        began = time.time()
        for _ in range(looks):
            probe._next_look = 0.0
            list(probe.collect(host(LIVE, start + int(TELL_SECONDS * 1e9) + 1)))
            time.sleep(pause)
        seconds = max(time.time() - began, TELL_SECONDS)
        samples = list(probe.collect(host(LIVE, start + int((TELL_SECONDS + seconds) * 1e9))))
    finally:
        watched.of(LIVE).processes = None
    points = [sample for sample in samples if isinstance(sample, Points)]
    return {(point.metric, *list(point.labels.values())[1:]): point.values[0] for point in points}


@pytest.mark.root(to="see the system calls of another process")
def test_each_kind_of_wait_is_told_with_how_many_threads_wait_so():
    with child(WAITING) as process:
        told = looked_at(process.pid, looks=8)
    waiting = {key[1]: value for key, value in told.items() if key[0] == "service_threads_waiting"}
    expected = {"lock": 3, "accept": 1, "receive": 1, "poll": 1, "sleep": 1}
    # On a busy machine one or another is still on its way in the first looks.
    assert {kind: waiting[kind] for kind in expected} == pytest.approx(expected, abs=0.7)
    assert waiting["pipe"] >= 1.2  # one thread of the test's, and the main thread at its standard input
    assert told["service_threads_on_one_futex", "no"] == pytest.approx(3, abs=0.7)
    assert told["service_threads_rearming_futex",] == 0
    assert told["service_realtime_threads",] == 0


FOUR = "\nimport threading\nfor _ in range(4): threading.Thread(target=work, daemon=True).start()\n"
# Each waits on a lock of its own (threading.Condition), every five milliseconds, while another thread computes.
IDLE_BUT_POLLING = """
import queue
shared = queue.Queue()
def work():
    while True:
        try: shared.get(timeout=0.005)
        except queue.Empty: sum(range(2000))
"""
# They hold one lock for as long as it takes to hash, which releases the interpreter's.
CONVOY = """
import hashlib, threading
lock, data = threading.Lock(), bytes(200_000)
def work():
    while True:
        lock.acquire(timeout=5)
        hashlib.sha256(data).digest()
        lock.release()
"""


@pytest.mark.root(to="see the system calls of another process")
@pytest.mark.parametrize(
    ("code", "expected"), [(CONTENDED, True), (IDLE_BUT_POLLING + FOUR, False), (CONVOY + FOUR, False)]
)
def test_only_threads_that_want_the_interpreter_lock_are_told_as_rearming(code, expected, monkeypatch):
    """All of them wake up more than a hundred times a second to wait with a timeout, on an idle machine."""
    monkeypatch.setattr(interpreterlock, "REARM_LOOKS", 0.1)
    monkeypatch.setattr(threads_module, "REARM_HZ", 2.0)  # by the ten seconds that `looked_at` pretends
    with child(code) as process:
        told = looked_at(process.pid, looks=40, pause=0.03)
    assert (told["service_threads_rearming_futex",] > 0) == expected


@pytest.mark.root(to="see the system calls of another process")
def test_threads_that_want_one_lock_and_a_cpu_are_told_as_either():
    with child(CONTENDED) as process:
        told = looked_at(process.pid, looks=20, pause=0.05)
    waiting = {key[1]: value for key, value in told.items() if key[0] == "service_threads_waiting"}
    assert waiting["running"] + waiting["timed_lock"] >= 3.5
    assert told["service_run_seconds_total",] > 0
    assert told["service_run_slices_total",] > 0


def test_the_process_probe_chooses_whom_to_watch():
    with child("import socket, time; time.sleep(0.1)") as process:
        list(Processes().collect(host(LIVE)))
        chosen = {each.pid for each in watched.of(LIVE).processes}
    watched.of(LIVE).processes = None
    assert process.pid in chosen


def test_without_that_choice_there_is_no_data():
    watched.of(LINUX_6_18).processes = None
    with pytest.raises(NoData, match="probe processes"):
        list(Threads().collect(host()))


@pytest.mark.skipif(waits.platform.machine() != "x86_64", reason="the numbers are those of x86-64")
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b"running\n", Wait("running")),
        (b"202 0x7f00 0x189 0x0 0x0 0x0 0xffffffff 0x7ffe 0x7f01\n", Wait("lock", 0x7F00)),
        (b"202 0x7f00 0x189 0x0 0x7ffd 0x0 0xffffffff 0x7ffe 0x7f01\n", Wait("timed_lock", 0x7F00)),
        (b"202 0x7f00 0x81 0x1 0x0 0x0 0x0 0x7ffe 0x7f01\n", Wait("other")),
        (b"288 0x3 0x0 0x0 0x80000 0x0 0x0 0x7ffe 0x7f01\n", Wait("accept")),
        (b"232 0x3 0x0 0x0 0xffffffff 0x0 0x0 0x7ffe 0x7f01\n", Wait("poll")),
        (b"-1 0x7ffe 0x7f01\n", Wait("other")),
        (b"999 0x3 0x0 0x0 0x0 0x0 0x0 0x7ffe 0x7f01\n", Wait("other")),
        (b"", Wait("other")),
    ],
)
def test_the_kernels_line_is_understood(text, expected):
    assert waits.parse(text, "/proc", 1) == expected


@given(st.binary(max_size=120), st.sampled_from([b"202 ", b"0 ", b"running", b""]))
def test_noise_is_some_kind_of_wait(noise, before):
    assert waits.parse(before + noise, "/proc", 1).kind in waits.KINDS
