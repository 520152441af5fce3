"""Real py-spy on real processes."""

from __future__ import annotations

import signal
import subprocess
import sys
import textwrap
import time
from collections import Counter
from pathlib import Path

import pytest

from collectors.capture import folded
from collectors.capture.failures import CaptureError
from collectors.capture.pyspy import Kind, Order, Recording, Run
from tests.collectors.capture.conftest import children_named, running


def record(pid: int, kind: Kind = "cpu", seconds: int = 1, hz: int = 100) -> Recording:
    with Run(Order(pid, kind, seconds, hz)) as run:
        while not run.poll(0.5):
            pass
        return run.recording()


def by_thread(recording: Recording) -> Counter[str]:
    counts: Counter[str] = Counter()
    for line in folded.parse(recording.text):
        counts[line.thread] += line.count
    return counts


def test_cpu_sees_the_workers_and_not_the_idle_acceptor(busy):
    counts = by_thread(record(busy.pid, "cpu"))
    assert set(counts) <= {"worker-0", "worker-1", "worker-2"}
    assert counts.total() > 50


def test_wall_sees_the_acceptor_waiting_in_accept(busy):
    recording = record(busy.pid, "wall")
    acceptor = [line for line in folded.parse(recording.text) if line.thread == "acceptor"]
    assert sum(line.count for line in acceptor) == recording.ticks
    assert {line.frames[-1].name for line in acceptor} == {"socket.accept"}
    assert set(by_thread(recording)) == {"MainThread", "acceptor", "worker-0", "worker-1", "worker-2"}


def test_gil_sees_one_holder_at_a_time(busy):
    recording = record(busy.pid, "gil")
    counts = by_thread(recording)
    assert set(counts) <= {"worker-0", "worker-1", "worker-2"}
    assert 0.7 * recording.ticks < counts.total() <= recording.ticks


def test_files_are_whole_and_lines_are_known(busy):
    hot = {
        frame
        for line in folded.parse(record(busy.pid).text)
        for frame in line.frames
        if frame.name == "hot_loop"
    }
    assert {frame.file for frame in hot} == {str(Path(__file__).with_name("target.py"))}
    assert {frame.line for frame in hot} <= set(range(11, 16))


def test_ticks_time_and_cost_are_measured(busy):
    recording = record(busy.pid, "wall", seconds=2, hz=50)
    assert recording.ticks == 99
    assert 1.0 < recording.seconds < 4.0
    assert 0 < recording.cpu_seconds < 1.0


def test_a_process_that_is_gone_is_told_in_plain_words():
    process = subprocess.Popen(["/bin/true"])
    process.wait()
    with pytest.raises(CaptureError, match=rf"^Process {process.pid} is gone: .* Choose it again"):
        record(process.pid)


def test_a_process_that_ends_meanwhile_still_gives_what_was_seen():
    with running() as process, Run(Order(process.pid, "wall", 30, 50)) as run:
        while run.sampled_seconds() < 0.5:
            assert not run.poll(0.1)
        process.kill()
        process.wait()
        while not run.poll(0.5):
            pass
        recording = run.recording()
    assert recording.seconds < 5
    assert by_thread(recording)["MainThread"] == pytest.approx(recording.ticks, rel=0.5)


def test_a_process_without_python_is_told_in_plain_words():
    process = subprocess.Popen(["/bin/sleep", "60"])
    try:
        with pytest.raises(CaptureError, match=rf"^Process {process.pid} \(sleep\) is not a Python process"):
            record(process.pid)
    finally:
        process.kill()
        process.wait()


@pytest.mark.root(to="become another user")
def test_a_process_of_another_user_is_told_with_the_remedy(busy):
    script = f"""
        import os
        import resource  # os.wait4 does, when it is called: the interpreter may lie where the other user cannot read
        from collectors.capture.pyspy import Order, Run
        from collectors.capture.failures import CaptureError
        os.setgid(65534); os.setuid(65534)
        with Run(Order({busy.pid}, "cpu", 1, 50)) as run:
            while not run.poll(0.5): pass
            try: run.recording()
            except CaptureError as error: print(error)
    """
    said = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    ).stdout
    assert f"may not read the memory of process {busy.pid}" in said
    assert "run the collector as root, or give it the capability CAP_SYS_PTRACE" in said


def test_leaving_early_kills_py_spy_and_frees_everything(busy):
    before = set(Path("/proc/self/fd").iterdir())
    with Run(Order(busy.pid, "cpu", 60, 100)) as run:
        while not run.sampled_seconds():
            run.poll(0.1)
        assert len(children_named("py-spy")) == 1
    assert children_named("py-spy") == []
    assert set(Path("/proc/self/fd").iterdir()) == before


def test_py_spy_does_not_outlive_a_collector_that_is_killed(busy):
    script = f"""
        import time
        from collectors.capture.pyspy import Order, Run
        run = Run(Order({busy.pid}, "cpu", 60, 100))
        while not run.sampled_seconds(): run.poll(0.1)
        print("sampling", flush=True)
        time.sleep(60)
    """
    collector = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(script)], stdout=subprocess.PIPE, text=True
    )
    try:
        assert collector.stdout is not None
        assert collector.stdout.readline() == "sampling\n"
        (sampler,) = children_named("py-spy", of=collector.pid)
    finally:
        collector.send_signal(signal.SIGKILL)
        collector.wait()
        collector.stdout.close()
    deadline = time.monotonic() + 5
    while Path(f"/proc/{sampler}/exe").exists() and _is_alive(sampler):
        assert time.monotonic() < deadline, "py-spy still runs"
        time.sleep(0.02)


def _is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0] not in "ZX"
    except OSError:
        return False


def test_ending_or_closing_a_run_that_has_just_ended_is_harmless(busy):
    for call in (Run.end, Run.close):
        with Run(Order(busy.pid, "cpu", 1, 5)) as run:
            while _is_alive(run.pid):
                time.sleep(0.02)
            call(run)
