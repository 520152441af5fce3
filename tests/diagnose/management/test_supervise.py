"""The supervisor against real processes: restart, order, and nothing left behind, also after kill -9."""

from __future__ import annotations

import contextlib
import os
import re
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from diagnose.management.keeper import living_groups
from diagnose.management.supervise import Child, Service, wait_seconds

ROOT = Path(__file__).resolve().parents[3]


class Tree:
    """A supervisor under test, what it said so far, and the processes it told about."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.lines: list[str] = []

    def read_until(self, pattern: str, times: int = 1) -> None:
        assert self.process.stdout
        for line in self.process.stdout:
            self.lines.append(line.rstrip())
            if len([seen for seen in self.lines if re.search(pattern, seen)]) >= times:
                return
        raise AssertionError(f"{pattern!r} never came: {self.lines}")

    def pids(self) -> set[int]:
        return {int(pid) for line in self.lines for pid in re.findall(r"(?:leader|child) (\d+)", line)}


def _alive(pid: int) -> bool:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    return False


def _gone(pids: set[int], seconds: float) -> set[int]:
    """Those still alive after at most so many seconds."""
    deadline = time.monotonic() + seconds
    while (left := {pid for pid in pids if _alive(pid)}) and time.monotonic() < deadline:
        time.sleep(0.05)
    return left


@pytest.fixture
def tree() -> Iterator[Callable[..., Tree]]:
    trees: list[Tree] = []

    def start(*kinds: str) -> Tree:
        argv = [sys.executable, "-m", "tests.diagnose.management.tree", *kinds]
        started = Tree(subprocess.Popen(argv, cwd=ROOT, stdout=subprocess.PIPE, text=True))
        trees.append(started)
        return started

    try:
        yield start
    finally:
        for one in trees:
            one.process.kill()
            one.process.wait()
            for pid in one.pids():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)


def test_ctrl_c_ends_every_service_and_what_it_started(tree):
    up = tree("parent", "deaf")
    up.read_until("leader", times=2)
    assert len(up.pids()) == 4
    up.process.send_signal(signal.SIGINT)
    up.read_until("up. stopped")
    assert up.process.wait(10) == 0
    assert _gone(up.pids(), 1) == set()


def test_what_is_hindered_says_why_and_starts_when_nothing_is_in_the_way_any_more(tree):
    up = tree("hindered", "parent")
    up.read_until(r"hindered\| leader")
    said = [line for line in up.lines if line.startswith("hindered| the")]
    assert said == [
        "hindered| the first is in the way; trying again in 0.5 s",
        "hindered| the second is in the way; trying again in 1 s",
    ]
    assert any(line.startswith("parent| leader") for line in up.lines)


def test_kill_9_of_the_supervisor_leaves_no_orphan_not_even_a_deaf_one(tree):
    up = tree("parent", "deaf")
    up.read_until("leader", times=2)
    up.process.kill()
    assert _gone(up.pids(), 5) == set()


def test_a_killed_service_is_started_again_and_its_orphans_are_swept(tree):
    up = tree("parent")
    up.read_until("leader")
    first = up.pids()
    leader = int(re.findall(r"leader (\d+)", up.lines[-1])[0])
    os.kill(leader, signal.SIGKILL)
    up.read_until("leader", times=2)
    assert any("parent ended (SIGKILL)" in line for line in up.lines)
    assert _gone(first, 1) == set()
    assert len(up.pids()) == 4


def test_a_service_that_keeps_failing_is_started_ever_more_slowly(tree):
    up = tree("brief")
    up.read_until("brief ended", times=3)
    waits = re.findall(r"brief ended \(exit code 3\); starting it again in ([\d.]+) s", "\n".join(up.lines))
    assert waits == ["0.5", "1", "2"]


def test_what_runs_once_is_not_started_again(tree):
    up = tree("once", "brief")
    up.read_until("brief ended", times=2)
    assert [line for line in up.lines if "once ended" in line] == ["up| once ended (exit code 3)"]
    assert len([line for line in up.lines if line == "once| hello"]) == 1


def test_waiting_has_a_limit():
    assert wait_seconds(1) == 0.5
    assert wait_seconds(100) == wait_seconds(10_000) == 30


def test_lines_are_joined_across_reads_and_an_endless_one_is_cut():
    child = Child(Service("x", ["x"]))
    assert child.split_lines(b"one\ntw") == ["one"]
    assert child.split_lines(b"o\n") == ["two"]
    assert child.split_lines(b"x" * 70_000) == ["x" * 70_000]
    assert child.rest == b""


def test_a_group_of_zombies_counts_as_gone():
    process = subprocess.Popen([sys.executable, "-c", "pass"], start_new_session=True)
    try:
        deadline = time.monotonic() + 5
        while _alive(process.pid) and time.monotonic() < deadline:
            time.sleep(0.02)
        assert living_groups({process.pid}) == set()
        assert living_groups({os.getpgid(0)}) == {os.getpgid(0)}
    finally:
        process.wait()


def test_services_may_open_as_many_files_as_a_fleet_has_connections():
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    show = "import resource; print(*resource.getrlimit(resource.RLIMIT_NOFILE))"
    resource.setrlimit(resource.RLIMIT_NOFILE, (1024, before[1]))
    try:
        child = Child(Service("limits", [sys.executable, "-c", show]))
        child.start()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
    assert child.process
    assert child.process.stdout
    os.set_blocking(child.process.stdout.fileno(), True)
    soft, hard = map(int, child.process.communicate()[0].split())
    assert hard == before[1]
    assert soft == min(65_536, hard) if hard > 0 else soft == 65_536
