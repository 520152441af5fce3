"""Captures that somebody asked for, on real processes."""

from __future__ import annotations

import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor

from collectors import wire
from collectors.capture import ondemand
from collectors.wire import CaptureTarget, Command, CommandStatus
from tests.collectors.capture.conftest import SERVICE, children_named


class Capture:
    """One run with all that it said."""

    def __init__(
        self, target: CaptureTarget, profile: str = "cpu", seconds: float = 1, report_seconds: float = 0
    ) -> None:
        self.command = Command("C1", "capture", 0, target, profile, seconds, 100)
        self.cancelled = threading.Event()
        self.statuses: list[CommandStatus] = []
        self.emitted: list[wire.Sample] = []
        self._report_seconds = report_seconds

    def report(self, status: CommandStatus) -> None:
        time.sleep(self._report_seconds)
        self.statuses.append(status)

    def run(self) -> Capture:
        ondemand.OnDemand().run(self.command, self.report, self.emitted.append, self.cancelled)
        return self

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
        capture.cancelled.set()
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
    capture = Capture(CaptureTarget(pid=busy.pid), "offcpu").run()
    assert capture.last.state == "failed"
    assert capture.last.message == "This collector takes no 'offcpu' profiles; it knows cpu, wall, gil."


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
