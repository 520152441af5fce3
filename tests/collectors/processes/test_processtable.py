"""The process table: what sleeps is not read again, and whatever runs is, however short."""

from __future__ import annotations

import os
import subprocess
from contextlib import suppress
from pathlib import Path

import pytest

from collectors.kernel import procfs
from collectors.processes import processtable
from collectors.processes.processtable import ProcessTable
from tests.collectors.kernel.test_procfs import child
from tests.collectors.probes.recorded import LINUX_6_18, LIVE, SHOP_PID

# Runs each line that it is given and sleeps in between.
OBEDIENT = """
import sys, time
print('up', flush=True)
for line in sys.stdin:
    exec(line)
    print('done', flush=True)
"""
ASLEEP_PASSES = 4  # one to know it, one to see its line unchanged, two to see its run time unchanged


def stat_of(table: ProcessTable, pid: int) -> procfs.Stat | None:
    return next((stat for stat in table.read() if stat.pid == pid), None)


def asleep(table: ProcessTable, pid: int) -> procfs.Stat:
    """What the table keeps of it."""
    for _ in range(50):
        before, now = stat_of(table, pid), stat_of(table, pid)
        if now is before and now is not None:
            return now
    raise AssertionError("it never sleeps")


def test_kernel_threads_are_left_out_and_found_by_number():
    table = ProcessTable(LINUX_6_18)
    assert [stat.pid for stat in table.read()] == [SHOP_PID]
    assert table.find(2).kernel


def test_the_live_table_has_ourselves():
    us = stat_of(ProcessTable(LIVE), os.getpid())
    assert us.resident_bytes > 1e6
    assert us.threads >= 1


def let_run(process: subprocess.Popen[bytes], code: bytes) -> None:
    process.stdin.write(code + b"\n")
    process.stdin.flush()
    assert process.stdout.readline() == b"done\n"


def test_a_process_that_sleeps_is_the_same_object_and_one_that_ran_for_microseconds_is_not():
    with child(OBEDIENT) as process:
        table = ProcessTable(LIVE)
        before = asleep(table, process.pid)
        for _ in range(3):
            let_run(process, b"pass")
            now = stat_of(table, process.pid)
            assert now is not before
            before = now


def test_the_cpu_time_of_one_that_wakes_up_is_told_at_once():
    with child(OBEDIENT) as process:
        table = ProcessTable(LIVE)
        before = asleep(table, process.pid)
        let_run(process, b"while time.process_time() < 0.3: pass")
        assert stat_of(table, process.pid).cpu_seconds - before.cpu_seconds > 0.1


def test_one_that_is_gone_is_forgotten_with_its_descriptor():
    table = ProcessTable(LIVE)
    with child("") as process:
        asleep(table, process.pid)
        held = open_here()
        assert any(str(process.pid) in link for link in held)
    assert stat_of(table, process.pid) is None
    assert table.find(process.pid) is None
    assert not any(f"/{process.pid}/" in link for link in open_here())


def test_no_more_are_held_than_allowed(monkeypatch):
    monkeypatch.setattr(processtable, "MOST_HELD", 2)
    table, before = ProcessTable(LIVE), len(open_here())
    for _ in range(ASLEEP_PASSES):
        assert {stat.pid for stat in table.read()} >= {os.getpid()}
    assert len(open_here()) <= before + 2


def test_a_kernel_without_run_times_has_every_line_read(tmp_path: Path):
    """proc_pid_schedstat (fs/proc/base.c) says `0 0 0` without CONFIG_SCHED_INFO or with it off."""
    directory = tmp_path / "7"
    directory.mkdir()
    fields = (LINUX_6_18 / str(SHOP_PID) / "stat").read_bytes().split(b" ")
    line = b" ".join([*fields[:19], b"1", *fields[20:]])
    (directory / "stat").write_bytes(line)
    (directory / "schedstat").write_bytes(b"0 0 0\n")
    table = ProcessTable(tmp_path)
    for _ in range(ASLEEP_PASSES):
        (before,) = table.read()
    assert before.threads == 1
    (directory / "stat").write_bytes(line.replace(b"(python3.11)", b"(renamed)"))
    assert [stat.name for stat in table.read()] == ["renamed"]


def open_here() -> list[str]:
    links = []
    for link in Path("/proc/self/fd").iterdir():
        with suppress(OSError):  # the one that lists them
            links.append(str(link.readlink()))
    return links


@pytest.fixture(autouse=True)
def _fresh_table():
    yield
    processtable.of.cache_clear()
