"""Where the time of threads goes: in readings made by hand, and in what the collector sees of real programs."""

from __future__ import annotations

import subprocess
import sys
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.kernel import procfs
from collectors.probes.proc.threads import TELL_SECONDS, Threads
from collectors.processes import identity, watched
from collectors.wire import Points
from diagnose.correlate.attribution import is_blocked_in_own_code
from diagnose.correlate.samples import Frame, Stack
from diagnose.correlate.triage import OWN_CODE, STATES, Reading, Triage, triage
from tests.collectors.probes.recorded import LIVE, host


def waits(service: str = "shop", **threads: float) -> list[Reading]:
    return [
        Reading("service_threads_waiting", {"service": service, "wait": kind}, value)
        for kind, value in threads.items()
    ]


def reading(metric: str, value: float, service: str = "shop", **labels: str) -> Reading:
    return Reading(metric, {"service": service, **labels}, value)


def only(readings: list[Reading]) -> Triage:
    (found,) = triage(readings)
    assert sum(found.shares.values()) == pytest.approx(1.0)
    return found


def test_an_idle_pool_is_idle():
    assert only(waits(lock=30, accept=1)).shares["idle"] == 1.0


def test_threads_that_could_run_are_told_from_those_that_do():
    found = only(
        [
            *waits(running=4, poll=6),
            reading("service_run_seconds_total", 1.0),
            reading("service_run_delay_seconds_total", 3.0),
        ]
    )
    assert (found.shares["on_cpu"], found.shares["waiting_for_cpu"]) == (0.1, pytest.approx(0.3))
    assert found.threads == 10
    assert found.heaviest == "waiting_for_cpu"


def test_waiting_for_a_quota_is_not_waiting_for_a_cpu():
    found = only(
        [
            *waits(running=4),
            reading("service_run_seconds_total", 1.0),
            reading("service_run_delay_seconds_total", 3.0),
            reading("cgroup_cpu_throttled_seconds_total", 0.5, cgroup="/shop"),
        ]
    )
    assert (found.shares["throttled"], found.shares["waiting_for_cpu"]) == (0.5, 0.25)
    timed = [
        *waits(running=4),
        reading("service_run_seconds_total", 1.0),
        reading("service_run_delay_seconds_total", 3.0),
    ]
    timed.append(reading("runqueue_throttled_seconds", 2.5))
    assert only(timed).shares["throttled"] == pytest.approx(2.5 / 4)


def test_a_convoy_is_told_from_a_pool_that_waits_for_work_by_its_stacks():
    waiting = [*waits(lock=15, sleep=1), reading("service_threads_on_one_futex", 15, timed="no")]
    convoy = only([*waiting, reading(OWN_CODE, 1.0)])
    assert convoy.shares["lock"] == pytest.approx(15 / 16)
    pool = only([*waiting, reading(OWN_CODE, 1 / 16)])
    assert pool.shares["idle"] == 1.0
    unsampled = only(waiting)
    assert (unsampled.shares["idle"], unsampled.unknown[0].what) == (1.0, "lock")
    go = only([*waiting, reading(OWN_CODE, 1.0), reading("process_info", 1, runtime="go1.22")])
    assert go.shares["idle"] == 1.0


def test_threads_that_wait_for_pythons_lock_wait_for_a_lock():
    found = only(
        [
            *waits(timed_lock=3, running=1),
            reading("service_threads_rearming_futex", 3),
            reading("process_info", 1, runtime="python3.11"),
        ]
    )
    assert found.shares["lock"] == 0.75


def test_waiting_for_answers_is_told_from_waiting_for_clients_where_answers_are_timed():
    untimed = only(waits(receive=10))
    assert untimed.shares["network"] == 1.0
    assert untimed.unknown[0].what == "dependency"
    timed = only([*waits(receive=10), reading("dependency_seconds", 4.0, dst="10.0.0.1:5432")])
    assert (timed.shares["dependency"], timed.shares["idle"]) == (0.4, pytest.approx(0.6))
    assert not timed.unknown
    other = [*waits(receive=10), reading("dependency_seconds", 4.0, service="other", dst="10.0.0.1:5432")]
    assert only(other).shares["idle"] == 1.0


def test_one_event_loop_that_waits_for_many_answers_waits_once():
    found = only([*waits(poll=1), reading("dependency_seconds", 20.0, dst="10.0.0.1:80")])
    assert found.shares["dependency"] == 1.0


def test_the_busiest_service_comes_first():
    found = triage([*waits("pool", lock=100), *waits("worker", running=2)])
    assert [each.service for each in found] == ["worker", "pool"]
    assert triage([]) == ()


@given(
    st.dictionaries(
        st.sampled_from(("running", "lock", "timed_lock", "receive", "poll", "file", "send", "accept")),
        st.floats(0, 1e4),
    ),
    st.lists(st.floats(0, 1e3), min_size=6, max_size=6),
    st.sampled_from(("python3.11", "go1.22", "native")),
)
def test_shares_always_add_up(threads, values, runtime):
    names = (
        "service_run_seconds_total",
        "service_run_delay_seconds_total",
        "cgroup_cpu_throttled_seconds_total",
        "service_threads_rearming_futex",
        "dependency_seconds",
    )
    more = [reading(name, value) for name, value in zip(names, values, strict=False)]
    more.append(reading("cgroup_pressure_waiting_seconds_total", values[5], resource="memory"))
    for found in triage([*waits(**threads), *more, reading("process_info", 1, runtime=runtime)]):
        assert sum(found.shares.values()) == pytest.approx(1.0)
        assert all(found.shares[state] >= -1e-9 for state in STATES)


PROGRAMS = {
    "on_cpu": "while True: pass",
    "lock": """
import threading, time
lock = threading.Lock()
def work():
    while True:
        with lock: time.sleep(0.01)
for _ in range(15): threading.Thread(target=work, daemon=True).start()
work()
""",
    "network": """
import socket
one, two = socket.socketpair()
one.recv(1)
""",
    "idle": """
import queue, threading
jobs = queue.Queue()
for _ in range(8): threading.Thread(target=jobs.get, daemon=True).start()
jobs.get()
""",
}


@pytest.mark.root(to="see the system calls of another process")
def test_real_programs_are_told_by_what_they_do():
    """Others may want the CPUs meanwhile: what a program has of them, and what it waits for of them, is one."""
    processes = {
        state: subprocess.Popen(
            [sys.executable, "-c", f"print('up', flush=True)\n{text}"], stdout=subprocess.PIPE
        )
        for state, text in PROGRAMS.items()
    }
    try:
        for process in processes.values():
            assert process.stdout.readline() == b"up\n"
        found = {each.service: each.shares for each in triage(_seen(processes))}
    finally:
        for process in processes.values():
            process.kill()
            process.communicate()
        watched.of(LIVE).processes = None
    assert found["on_cpu"]["on_cpu"] + found["on_cpu"]["waiting_for_cpu"] >= 0.9
    assert found["lock"]["lock"] >= 0.8
    assert found["network"]["network"] >= 0.9
    assert found["idle"]["idle"] >= 0.9


def _seen(processes: dict[str, subprocess.Popen[bytes]]) -> list[Reading]:
    """What the collector tells of these processes after looking at them for a while."""
    pids = {state: process.pid for state, process in processes.items()}
    watched.of(LIVE).processes = [
        identity.Process(
            pid, procfs.stat(LIVE, pid).name, state, "python3.11", procfs.stat(LIVE, pid).start_ticks
        )
        for state, pid in pids.items()
    ]
    probe, start = Threads(), time.time_ns()
    list(probe.collect(host(LIVE, start)))
    list(probe.collect(host(LIVE, start + int(TELL_SECONDS * 1e9))))
    began = time.monotonic()
    for _ in range(40):
        probe._next_look = 0.0
        list(probe.collect(host(LIVE, start + int(TELL_SECONDS * 1e9) + 1)))
        time.sleep(0.05)
    seconds = time.monotonic() - began
    told = list(probe.collect(host(LIVE, start + int(2 * TELL_SECONDS * 1e9))))
    stacks = [reading(OWN_CODE, 1.0 if state == "lock" else 0.0, service=state) for state in pids]
    return stacks + [
        Reading(
            point.metric,
            point.labels,
            sum(point.values) / (seconds if point.metric.endswith("_total") else 1),
        )
        for point in told
        if isinstance(point, Points)
    ]


@pytest.mark.parametrize(
    ("name", "file", "blocked"),
    [
        ("price_basket", "/srv/shop/app.py", True),
        ("_worker", "concurrent/futures/thread.py", False),
        ("wait", "threading.py", False),
        ("acquire", "logging/__init__.py", True),
        ("Condition.__enter__", "threading.py", True),
    ],
)
def test_a_librarys_loop_waits_for_work_and_its_lock_for_a_lock(name, file, blocked):
    stack = Stack("worker", (Frame("main", "/srv/shop/app.py", 1), Frame(name, file, 7)), 3)
    assert is_blocked_in_own_code(stack) is blocked
