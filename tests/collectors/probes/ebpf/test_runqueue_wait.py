"""Threads that want one CPU, against the kernel's own account of their waits; and a quota that stops them."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from collectors.histograms import bounds
from collectors.probes.ebpf.runqueue_wait import THROTTLED, WAIT, RunqueueWait
from tests.collectors.probes.ebpf.live import counting, histograms, own_service

pytestmark = pytest.mark.root(to="load eBPF programs")

HOG = """
import os, sys
os.sched_setaffinity(0, {int(sys.stdin.readline())})
print("runs", flush=True)
while True: pass
"""
SECONDS = 0.6
QUOTA_US, PERIOD_US = 2_000, 50_000


def start(process, cpu: int) -> None:
    process.stdin.write(f"{cpu}\n")
    process.stdin.flush()
    assert process.stdout.readline() == "runs\n"


def waited_seconds(pid: int) -> float:
    """The second field of schedstat: time in the run queue."""
    return int(Path(f"/proc/{pid}/schedstat").read_text().split()[1]) / 1e9


def test_waits_behind_a_busy_neighbour_are_those_that_the_kernel_accounts():
    cpu = max(os.sched_getaffinity(0))
    with (
        counting(RunqueueWait()) as read,
        own_service("victim", HOG) as victim,
        own_service("hog", HOG) as hog,
    ):
        start(victim, cpu)
        start(hog, cpu)
        before = waited_seconds(victim.pid)
        read()
        time.sleep(SECONDS)
        truth = waited_seconds(victim.pid) - before
        samples = read()
    (found,) = histograms(samples, WAIT, service="victim")
    # One wait may have been under way at either end.
    longest = max(bounds(found.scheme, bucket)[1] for bucket in found.buckets)
    assert truth > SECONDS / 5
    assert abs(found.sum - truth) <= 0.1 * truth + 2 * longest
    assert histograms(samples, THROTTLED, service="victim") == []


NAPPER = """
import sys, time
sys.stdin.readline()
for _ in range(4000):
    time.sleep(0.00005)
print("done", flush=True)
sys.stdin.readline()
"""


def test_short_waits_that_are_drawn_stand_for_all():
    """The third field of schedstat is how often a thread got a CPU; five standard deviations are 20 percent."""
    with counting(RunqueueWait()) as read, own_service("napper", NAPPER) as napper:
        schedstat = Path(f"/proc/{napper.pid}/schedstat")
        before = int(schedstat.read_text().split()[2])
        napper.stdin.write("go\n")
        napper.stdin.flush()
        assert napper.stdout.readline() == "done\n"
        truth = int(schedstat.read_text().split()[2]) - before
        samples = read()
    (found,) = histograms(samples, WAIT, service="napper")
    assert truth >= 4000
    assert 0.75 * truth < found.count < 1.25 * truth


def throttled_seconds(group: Path) -> float:
    fields = dict(line.split() for line in (group / "cpu.stat").read_text().splitlines())
    return (
        int(fields["throttled_time"]) / 1e9
        if "throttled_time" in fields
        else int(fields["throttled_usec"]) / 1e6
    )


@contextmanager
def quota() -> Iterator[Path]:
    """A cgroup that may use a twenty-fifth of a CPU."""
    v1 = Path("/sys/fs/cgroup/cpu")
    group = (v1 if v1.is_dir() else Path("/sys/fs/cgroup")) / f"diagnose-test-{os.getpid()}"
    group.mkdir()
    try:
        if v1.is_dir():
            (group / "cpu.cfs_period_us").write_text(str(PERIOD_US))
            (group / "cpu.cfs_quota_us").write_text(str(QUOTA_US))
        else:
            (group / "cpu.max").write_text(f"{QUOTA_US} {PERIOD_US}")
        yield group
    finally:
        for _ in range(50):
            try:
                group.rmdir()
                break
            except OSError:  # a process that was killed is not gone at once
                time.sleep(0.02)


def test_waits_for_a_quota_are_told_apart():
    with counting(RunqueueWait()) as read, quota() as group, own_service("limited", HOG) as limited:
        start(limited, max(os.sched_getaffinity(0)))
        (group / "cgroup.procs").write_text(str(limited.pid))
        time.sleep(3 * PERIOD_US / 1e6)
        before, began = throttled_seconds(group), time.monotonic()
        read()
        time.sleep(SECONDS)
        truth = throttled_seconds(group) - before
        samples = read()
        elapsed = time.monotonic() - began
    (found,) = histograms(samples, THROTTLED, service="limited")
    # One stop may have been under way at either end; a wait behind others comes on top.
    period = PERIOD_US / 1e6
    assert truth > SECONDS / 4
    assert truth - period <= found.sum <= elapsed + period
    assert found.count >= SECONDS / period / 3
    assert found.sum / found.count > 0.4 * (PERIOD_US - QUOTA_US) / 1e6


def test_processes_that_are_gone_are_told_as_ended():
    """A single one may not be drawn."""
    with counting(RunqueueWait()) as read:
        for _ in range(80):
            os.waitpid(os.posix_spawn("/bin/true", ["true"], {}), 0)
        samples = read()
    assert histograms(samples, WAIT, service="ended")


def test_threads_of_the_kernel_are_told_together():
    deadline = time.monotonic() + 5
    with counting(RunqueueWait()) as read:
        while not histograms(read(), WAIT, service="kernel"):
            assert time.monotonic() < deadline
            time.sleep(0.05)
