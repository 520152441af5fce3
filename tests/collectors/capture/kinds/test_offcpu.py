"""Waits of a program that measures them itself."""

from __future__ import annotations

import os
import subprocess

import pytest

from collectors.wire import CaptureTarget
from tests.collectors.capture.native.programs import WITH_FRAME_POINTERS, compiled, stacks_of
from tests.collectors.capture.native.watching import Asker, captured

pytestmark = [pytest.mark.root(to="load eBPF programs"), pytest.mark.program("gcc")]

SYSTEM_CALLS = ("nanosleep", "poll", "futex")


def test_time_that_was_waited_is_what_the_program_measured(tmp_path):
    program = compiled(tmp_path, "waits.c", *WITH_FRAME_POINTERS, name="waits")
    process = subprocess.Popen([str(program)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout.readline() == "ready\n"

        def begin() -> None:
            process.stdin.write("x")
            process.stdin.flush()

        result = captured("offcpu", CaptureTarget(pid=process.pid), 5, asker=Asker(begin))
        truth = [float(word) for word in process.stdout.readline().split()]
    finally:
        process.kill()
        process.communicate()
    stacks = stacks_of(result.samples)
    assert all(sample.type == "offcpu" and sample.unit == "nanoseconds" for sample in result.samples)
    main = {
        stack: nanoseconds / 1e9
        for stack, nanoseconds in stacks.items()
        if not any("hold_lock" in name for name in stack) and "main" in stack
    }
    assert all(stack[-1] == "__schedule" for stack in main)
    for name, seconds in zip(SYSTEM_CALLS, truth, strict=True):
        found = sum(
            waited
            for stack, waited in main.items()
            if any(f"_sys_{name}" in one or f"sys_clock_{name}" in one for one in stack)
        )
        assert found == pytest.approx(seconds, rel=0.05, abs=0.02), (name, found, truth)


def test_a_wait_that_lasts_as_long_as_it_is_watched_counts_when_it_began_meanwhile():
    process = subprocess.Popen(["/bin/sh", "-c", "sleep 0.7; exec sleep 60"], start_new_session=True)
    try:
        result = captured("offcpu", CaptureTarget(pid=process.pid), 3)
    finally:
        os.killpg(process.pid, 9)
        process.wait()
    longest = max(stacks_of(result.samples).values()) / 1e9
    assert longest > 1


def test_threads_that_end_wait_for_nothing():
    process = subprocess.Popen(
        ["/bin/sh", "-c", "for i in 1 2 3 4 5 6 7 8; do /bin/true; sleep 0.1; done; sleep 60"],
        start_new_session=True,
    )
    try:
        result = captured("offcpu", CaptureTarget(pid=process.pid), 2)
    finally:
        os.killpg(process.pid, 9)
        process.wait()
    assert not [stack for stack in stacks_of(result.samples) if "do_task_dead" in stack]
