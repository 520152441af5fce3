"""Captures of programs whose shares of time are known, in every CPython that is here."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import pytest

from collectors import wire
from collectors.capture.kind import Request, Result, Watch
from collectors.capture.record import record
from collectors.wire import CaptureTarget
from tests.collectors.capture.conftest import Silent
from tests.collectors.capture.interpreters import interpreters

Key = TypeVar("Key")
PROGRAM = Path(__file__).with_name("truth.py")
# Percentage points. Of n samples a share of 0.7 strays by √(0.21 / n): 0.9 points with ENOUGH.
ENOUGH = 2500
OWN = "{}.{}".format(*sys.version_info)
VERSIONS = [
    pytest.param(version, marks=() if version == OWN else pytest.mark.system) for version in interpreters()
]


@contextmanager
def scene(*command: str) -> Iterator[int]:
    """A program in a session of its own, ended with all that it started."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True)
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        yield process.pid
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def program(name: str, python: str = sys.executable) -> tuple[str, ...]:
    return (python, str(PROGRAM), name)


def captured(pid: int, kind="cpu", seconds: int = 2, hz: int = 200, watch: Watch | None = None) -> Result:
    return record(kind, Request("C", CaptureTarget(pid=pid), seconds, hz), watch or Silent())


def within() -> float:
    """Percentage points / 100; where many wait for a CPU they are seen where they wait, again and again."""
    return 0.03 if os.getloadavg()[0] < 4 * (os.cpu_count() or 1) else 0.1


def enough(pid: int, kind="cpu", hz: int = 900) -> list[wire.Stacks]:
    """Captures until there are ENOUGH samples, which on a busy machine takes more than one."""
    found: list[wire.Stacks] = []
    while sum(stacks.columns.total for stacks in found) < ENOUGH:
        assert len(found) < 8
        found.append(stacks_of(captured(pid, kind, 3, hz)))
    return found


def stacks_of(result: Result) -> wire.Stacks:
    (stacks,) = result.samples
    assert isinstance(stacks, wire.Stacks)
    return stacks


def counts(stacks: wire.Stacks, key: Callable[[tuple[str, ...]], Key]) -> Counter[Key]:
    """Samples by what `key` makes of a stack's names, root first."""
    frames = [stacks.strings[frame.name] for frame in stacks.columns.frame_list()]
    named = [tuple(frames[number] for number in stack) for stack in stacks.columns.stack_list()]
    found: Counter[Key] = Counter()
    for sample in stacks.columns.sample_list():
        found[key(named[sample.stack])] += sample.value
    return found


def shares(captures: list[wire.Stacks], *functions: str) -> list[float]:
    """Of the samples that are in one of these functions, the share of each."""

    def which(names: tuple[str, ...]) -> str:
        return next((name for name in names if name in functions), "")

    found = sum((counts(stacks, which) for stacks in captures), Counter())
    total = sum(found[name] for name in functions)
    assert total > 0
    return [found[name] / total for name in functions]


@pytest.mark.parametrize("version", VERSIONS)
def test_shares_of_time_are_told_within_three_points(version):
    with scene(*program("shares", interpreters()[version])) as pid:
        found = enough(pid)
    assert shares(found, "seventy", "twenty", "ten") == pytest.approx([0.7, 0.2, 0.1], abs=within())


@pytest.mark.system
def test_shares_with_native_frames_are_the_same():
    with scene(*program("shares")) as pid:
        found = enough(pid, "native", 400)
    assert shares(found, "seventy", "twenty", "ten") == pytest.approx([0.7, 0.2, 0.1], abs=within())


def test_a_thread_that_sleeps_is_no_cpu_but_is_there():
    with scene(*program("sleeping")) as pid:
        running, everywhere = stacks_of(captured(pid)), stacks_of(captured(pid, "wall"))
    assert "sleeper" not in running.strings
    assert counts(everywhere, lambda names: "sleeper" if "sleeper" in names else "")["sleeper"] > 100
    states = {
        (everywhere.strings[sample.thread], sample.state): sample.value
        for sample in everywhere.columns.sample_list()
        if everywhere.strings[sample.thread].startswith("sleeper")
    }
    assert {state for _, state in states} == {"idle"}


def test_2000_frames_are_all_there():
    with scene(*program("deep")) as pid:
        stacks = stacks_of(captured(pid, hz=10))
    depth = Counter(len(stack) // 100 for stack in stacks.columns.stack_list()).most_common(1)[0][0]
    assert depth == 20
    assert shares([stacks], "seventy", "twenty", "ten")[0] > 0.2  # of some twenty samples


def test_500_threads_are_all_there_and_those_that_sleep_are_no_cpu():
    with scene(*program("crowd")) as pid:
        everywhere, running = stacks_of(captured(pid, "wall", hz=10)), stacks_of(captured(pid, hz=10))
    names = {everywhere.strings[sample.thread] for sample in everywhere.columns.sample_list()}
    assert len({name for name in names if name.startswith("sleeper-")}) >= 100  # then they are counted as one
    threads = everywhere.columns.total / 500
    assert threads == pytest.approx(round(threads), abs=0.05)
    assert set(running.strings) >= {"shares", "seventy"}
    assert "sleeper" not in running.strings


def test_generators_are_in_the_stack_of_who_asks_them():
    def path(names: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(name for name in names if name in ("generators", "numbers", "seventy", "twenty"))

    with scene(*program("generators")) as pid:
        found = counts(stacks_of(captured(pid)), path)
    assert found["generators", "numbers", "seventy"] > 10
    assert found["generators", "twenty"] > 3
    assert found["generators", "seventy"] == found["generators", "numbers", "twenty"] == 0


def test_tasks_of_asyncio_are_told_apart():
    with scene(*program("tasks")) as pid:
        found = enough(pid)
    assert shares(found, "task_seventy", "task_thirty") == pytest.approx([0.7, 0.3], abs=within())


def test_names_may_be_of_any_script():
    with scene(*program("unicode")) as pid:
        stacks = stacks_of(captured(pid))
    assert "größe_berechnen_数" in stacks.strings


def test_what_is_imported_from_a_zip_file_has_its_place_in_it(tmp_path):
    archive = tmp_path / "app.zip"
    with zipfile.ZipFile(archive, "w") as file:
        file.write(PROGRAM, "shop.py")
    code = f"import sys; sys.path.insert(0, {str(archive)!r}); import shop; print('ready', flush=True); shop.shares()"
    with scene(sys.executable, "-c", code) as pid:
        stacks = stacks_of(captured(pid))
    assert f"{archive}/shop.py" in stacks.strings


def test_workers_that_were_forked_are_captured_with_their_parent():
    with scene(*program("forks")) as pid:
        stacks = stacks_of(captured(pid, seconds=4))
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    roots = counts(stacks, lambda names: names[0])
    assert set(roots) == {f"process {child}" for child in children}
    assert shares([stacks], "seventy", "ten") == pytest.approx([0.5, 0.5], abs=0.35)


class Signalling(Silent):
    """Tells the process when something of it was seen."""

    def __init__(self, pid: int) -> None:
        self.pid = pid

    def tell(self, share: float, message: str, samples: int = 0) -> None:
        if samples and self.pid:
            os.kill(self.pid, signal.SIGUSR1)
            self.pid = 0


def test_a_process_that_becomes_another_program_is_sampled_on(monkeypatch):
    monkeypatch.setattr("collectors.capture.record.PART_SECONDS", 2)
    with scene(*program("execs")) as pid:
        result = captured(pid, seconds=6, hz=100, watch=Signalling(pid))
    assert {"execs", "shares"} <= set(stacks_of(result).strings)


def test_a_process_that_exits_in_the_middle_leaves_what_was_seen():
    code = "import time; print('ready', flush=True); until = time.monotonic() + 3\nwhile time.monotonic() < until: pass"
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    process.stdout.readline()
    result = captured(process.pid, seconds=20, hz=50)
    process.communicate()
    assert stacks_of(result).columns.total > 10
    assert f"Process {process.pid} ended after" in result.partial


@pytest.mark.root(to="make namespaces")
def test_a_process_in_other_mount_and_pid_namespaces_is_captured():
    """As in a container: its ids are others, and its interpreter is not at the path that it names."""
    isolated = ("unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc")
    inside = (
        f"mount -t tmpfs none /mnt && cp {PROGRAM} /mnt/app.py && exec {sys.executable} /mnt/app.py shares"
    )
    with scene(*isolated, "sh", "-c", inside) as pid:
        stacks = stacks_of(captured(pid))
    assert {"/mnt/app.py", "seventy"} <= set(stacks.strings)
    assert shares([stacks], "seventy", "twenty", "ten")[0] > 0.5
