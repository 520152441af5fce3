"""Captures that somebody asked for, on real processes."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from collectors import wire
from collectors.capture import kinds, ondemand, record
from collectors.capture.choose import Denies
from collectors.capture.ending import Ending
from collectors.capture.failures import CaptureError
from collectors.capture.kind import File, Kind, Request, Result, Watch
from collectors.capture.ondemand import Outlets
from collectors.kernel import procfs
from collectors.wire import CaptureTarget, Command, CommandStatus
from tests.collectors.capture.conftest import SERVICE, children_named, running


class Capture:
    """One run with all that it said."""

    def __init__(
        self,
        target: CaptureTarget,
        profile: str = "python_cpu",
        seconds: float = 1,
        report_seconds: float = 0,
        denies: Denies = lambda _: False,
    ) -> None:
        self.denies = denies
        self.command = Command("C1", "capture", 0, target, profile, seconds, 100)
        self.ending = Ending()
        self.statuses: list[CommandStatus] = []
        self.emitted: list[wire.Sample] = []
        self.files: list[tuple[str, str, bytes]] = []
        self.refusal = ""
        self._report_seconds = report_seconds

    def report(self, status: CommandStatus) -> None:
        time.sleep(self._report_seconds)
        self.statuses.append(status)

    def keep(self, identifier: str, name: str, content: bytes) -> None:
        if self.refusal:
            raise CaptureError(self.refusal)
        self.files.append((identifier, name, content))

    def run(self) -> Capture:
        outlets = Outlets(self.report, self.emitted.append, self.keep)
        ondemand.OnDemand(self.denies).run(self.command, outlets, self.ending)
        return self

    def wait_until_running(self) -> None:
        while not any(status.state == "running" for status in self.statuses):
            time.sleep(0.02)

    @property
    def last(self) -> CommandStatus:
        return self.statuses[-1]


def test_a_capture_of_a_process_tells_how_it_goes_and_gives_its_stacks(busy):
    capture = Capture(CaptureTarget(pid=busy.pid), seconds=2).run()
    states = [status.state for status in capture.statuses]
    assert states[0] == "sent"
    assert states[-1] == "done"
    running = [status for status in capture.statuses if status.state == "running"]
    assert len(running) >= 2
    assert [status.progress for status in running] == sorted(status.progress for status in running)
    assert "of 2 s" in running[-1].message
    (stacks,) = capture.emitted
    assert isinstance(stacks, wire.Stacks)
    assert (stacks.capture_id, stacks.service, stacks.type) == ("C1", SERVICE, "cpu")
    assert capture.last.samples == stacks.columns.total > 50


def test_a_service_is_captured_by_name(busy):
    capture = Capture(CaptureTarget(service=SERVICE), "wall").run()
    (stacks,) = capture.emitted
    assert isinstance(stacks, wire.Stacks)
    assert stacks.labels == {"pid": str(busy.pid)}
    assert "acceptor" in stacks.strings


def test_a_cancelled_capture_ends_at_once_and_keeps_nothing(busy):
    capture = Capture(CaptureTarget(pid=busy.pid), seconds=60)
    with ThreadPoolExecutor() as pool:
        ending = pool.submit(capture.run)
        while not children_named("py-spy"):
            time.sleep(0.02)
        capture.ending.cancel()
        began = time.monotonic()
        ending.result()
    assert time.monotonic() - began < 2
    assert capture.last.state == "cancelled"
    assert capture.emitted == []
    assert children_named("py-spy") == []


def test_a_process_that_is_gone_fails_in_plain_words():
    process = subprocess.Popen(["/bin/true"])
    process.wait()
    capture = Capture(CaptureTarget(pid=process.pid)).run()
    assert capture.last.state == "failed"
    assert f"Process {process.pid} is gone" in capture.last.message
    assert capture.emitted == []


def test_a_kind_that_this_collector_does_not_know_fails_in_plain_words(busy):
    capture = Capture(CaptureTarget(pid=busy.pid), "juggling").run()
    assert capture.last.state == "failed"
    assert "This collector takes no 'juggling' captures; it knows python_cpu, " in capture.last.message


def test_a_slow_server_does_not_stretch_the_measured_time(busy):
    capture = Capture(CaptureTarget(pid=busy.pid), "wall", report_seconds=1.5).run()
    (stacks,) = capture.emitted
    assert isinstance(stacks, wire.Stacks)
    assert (stacks.end_ns - stacks.start_ns) / 1e9 < 2.5
    assert capture.last.state == "done"


def test_what_the_server_asks_is_held_within_the_bounds_of_the_collector(busy):
    command = Command("C1", "capture", 0, CaptureTarget(pid=busy.pid), "cpu", 1e9, 100_000)
    request = ondemand._request(command, lambda _: False)
    assert (request.seconds, request.hz) == (300, 999)


def test_a_process_that_ends_meanwhile_leaves_what_was_seen_and_is_marked():
    with running() as process:
        capture = Capture(CaptureTarget(pid=process.pid), seconds=30)
        with ThreadPoolExecutor() as pool:
            ending = pool.submit(capture.run)
            capture.wait_until_running()
            time.sleep(1.5)
            process.kill()
            ending.result()
    (stacks,) = capture.emitted
    assert isinstance(stacks, wire.Stacks)
    assert capture.last.state == "done"
    assert capture.last.partial
    assert re.match(
        rf"Process {process.pid} ended after \d\.\d s\. The \d+ samples until then", capture.last.message
    )
    assert capture.last.samples == stacks.columns.total > 20


def test_the_names_from_before_there_were_other_kinds_still_count():
    found = [kinds.named(old) for old in ("cpu", "wall", "gil")]
    assert [kind and kind.name for kind in found] == ["python_cpu", "python_wall", "python_gil"]


@pytest.fixture
def tracing(monkeypatch):
    """A kind that gives a file."""

    def capture(_: Request, watch: Watch) -> Result:
        watch.tell(0.5, "Tracing")
        return Result((), 3, "3 events", files=(File("trace.out", b"go 1.22 trace"),))

    monkeypatch.setattr(kinds, "ALL", (Kind("go_trace", "", capture),))


@pytest.mark.usefixtures("tracing")
def test_a_file_is_sent_before_the_capture_is_done():
    capture = Capture(CaptureTarget(pid=1), "go_trace").run()
    assert capture.files == [("C1", "trace.out", b"go 1.22 trace")]
    assert (capture.last.state, capture.last.samples, capture.last.partial) == ("done", 3, False)


@pytest.mark.usefixtures("tracing")
def test_a_file_that_the_server_will_not_have_fails_the_capture_in_its_words():
    capture = Capture(CaptureTarget(pid=1), "go_trace")
    capture.refusal = "70 MB is over the limit of 64 MB"
    capture.run()
    assert (capture.last.state, capture.last.message) == ("failed", capture.refusal)


def test_a_collector_that_stops_hands_over_what_it_has(busy):
    capture = Capture(CaptureTarget(pid=busy.pid), seconds=60)
    with ThreadPoolExecutor() as pool:
        ending = pool.submit(capture.run)
        capture.wait_until_running()
        time.sleep(1.5)
        capture.ending.stop()
        ending.result()
    (stacks,) = capture.emitted
    assert isinstance(stacks, wire.Stacks)
    assert capture.last.state == "done"
    assert capture.last.partial
    assert "The collector was stopped after" in capture.last.message
    assert capture.last.samples == stacks.columns.total > 20


def test_when_py_spy_is_killed_the_parts_before_are_kept(busy, monkeypatch):
    monkeypatch.setattr(record, "PART_SECONDS", 1)
    capture = Capture(CaptureTarget(pid=busy.pid), seconds=20)
    with ThreadPoolExecutor() as pool:
        ending = pool.submit(capture.run)
        while not any(status.samples for status in capture.statuses):
            time.sleep(0.05)
        os.kill(children_named("py-spy")[0], signal.SIGKILL)
        ending.result()
    (stacks,) = capture.emitted
    assert isinstance(stacks, wire.Stacks)
    assert capture.last.partial
    assert "py-spy did not end by itself" in capture.last.message
    assert capture.last.samples == stacks.columns.total > 20


def test_parts_add_up_to_what_was_asked_for():
    assert [list(record.parts(seconds)) for seconds in (1, 10, 25)] == [[1], [2, 8], [2, 11, 12]]
    assert all(sum(record.parts(seconds)) == seconds for seconds in range(1, 301))


def test_native_frames_stand_below_the_lines_that_call_them(busy):
    capture = Capture(CaptureTarget(pid=busy.pid), "python_native", seconds=2).run()
    (stacks,) = capture.emitted
    assert isinstance(stacks, wire.Stacks)
    assert (stacks.type, capture.last.state) == ("cpu", "done")
    files = {stacks.strings[frame.file] for frame in stacks.columns.frame_list()}
    assert any(file.endswith("target.py") for file in files)
    assert any(".so" in file or "/bin/python" in file for file in files)
    assert not any(text.startswith("0x") for text in stacks.strings)


def test_a_process_runs_on_when_the_py_spy_that_paused_it_is_killed(busy):
    capture = Capture(CaptureTarget(pid=busy.pid), "python_native", seconds=60)
    with ThreadPoolExecutor() as pool:
        ending = pool.submit(capture.run)
        capture.wait_until_running()
        os.kill(children_named("py-spy")[0], signal.SIGKILL)
        ending.result()
    assert capture.last.state == "failed"
    used = cpu_seconds(busy.pid)
    deadline = time.monotonic() + 5
    while cpu_seconds(busy.pid) < used + 0.2:
        assert time.monotonic() < deadline, "the process stands still"
        time.sleep(0.05)


def cpu_seconds(pid: int) -> float:
    stat = procfs.stat(Path("/proc"), pid)
    assert stat is not None
    return stat.cpu_seconds


def test_a_denied_process_is_never_looked_at(busy):
    capture = Capture(CaptureTarget(pid=busy.pid), denies=lambda process: process.service == SERVICE).run()
    assert capture.last.state == "failed"
    assert "The owner of this host allows no captures of" in capture.last.message
    assert capture.emitted == []
