"""Continuous sampling of real processes, in rounds of three seconds."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable

import pytest

from collectors import wire
from collectors.capture import lane
from collectors.capture.sampler import Settings
from collectors.capture.samplers import python as continuous
from collectors.capture.samplers.python import ContinuousPython
from collectors.processes.identity import Process
from tests.collectors.capture.conftest import SERVICE, children_named, running


class Said:
    """Everything that was emitted."""

    def __init__(self) -> None:
        self.samples: list[wire.Sample] = []

    def stacks(self, pid: int) -> dict[str, wire.Stacks]:
        return {
            sample.type: sample
            for sample in list(self.samples)
            if isinstance(sample, wire.Stacks) and sample.labels["pid"] == str(pid)
        }

    def points(self, pid: int) -> dict[str, float]:
        return {
            sample.metric: sample.values[0]
            for sample in list(self.samples)
            if isinstance(sample, wire.Points) and sample.labels["pid"] == str(pid)
        }


@pytest.fixture
def short_rounds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lane, "ROUND", (("cpu", 1), ("gil", 1), ("wall", 1)))


def only(*pids: int) -> Callable[[Process], bool]:
    return lambda process: process.pid not in pids


def wait_for(condition: Callable[[], bool], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.usefixtures("short_rounds")
def test_a_contended_process_shows_in_stacks_and_series(busy):
    said, sampler = Said(), ContinuousPython(Settings(0.5, denies=only(busy.pid)))
    sampler.start(said.samples.append)
    try:
        wait_for(lambda: set(said.stacks(busy.pid)) == {"cpu", "gil", "wall"})
        (status,) = sampler.status()
    finally:
        sampler.stop()
    stacks = said.stacks(busy.pid)
    assert stacks["cpu"].service == SERVICE
    assert stacks["wall"].capture_id is None
    assert "acceptor" in stacks["wall"].strings
    assert "acceptor" not in stacks["cpu"].strings
    points = said.points(busy.pid)
    assert points["python_gil_held_ratio"] > 0.6
    assert points["python_active_threads"] > 0.6
    assert points["python_sampling_hz"] > 1
    assert {metric.name for metric in sampler.METRICS} >= set(points)
    assert status.ok
    assert status.seconds > 0


@pytest.mark.usefixtures("short_rounds")
def test_the_stop_leaves_no_sampler_behind(busy):
    sampler = ContinuousPython(Settings(0.5, denies=only(busy.pid)))
    sampler.start(lambda _: None)
    try:
        wait_for(lambda: children_named("py-spy") != [])
    finally:
        began = time.monotonic()
        sampler.stop()
    assert time.monotonic() - began < 2
    assert children_named("py-spy") == []


@pytest.mark.usefixtures("short_rounds")
def test_a_process_that_cannot_be_sampled_is_told_and_left_alone_for_a_while(busy, monkeypatch):
    sleeper = subprocess.Popen(["/bin/sleep", "60"])
    stand_in = Process(sleeper.pid, "sleep", "sleeper", "python3.11", 1)
    candidate = continuous.choose.Candidate(stand_in, 1.0, False)
    runs: list[int] = []
    begin = lane.Run

    def counting(order):
        runs.append(order.pid)
        return begin(order)

    monkeypatch.setattr(continuous.choose.Watch, "look", lambda _: [candidate])
    monkeypatch.setattr(lane, "Run", counting)
    monkeypatch.setattr(continuous, "_LOOK_SECONDS", 0.05)
    sampler = ContinuousPython(Settings())
    sampler.start(lambda _: None)
    try:
        wait_for(lambda: not next(sampler.status()).ok)
        time.sleep(0.3)
        reason = next(sampler.status()).reason
    finally:
        sampler.stop()
        sleeper.kill()
        sleeper.wait()
    assert reason.startswith(f"Process {sleeper.pid} (sleep) is not a Python process")
    assert runs == [sleeper.pid]


def test_a_host_without_py_spy_says_so(monkeypatch):
    monkeypatch.setattr("collectors.capture.pyspy.sys.executable", "/nowhere/python")
    monkeypatch.setenv("PATH", "/nowhere")
    sampler = ContinuousPython(Settings())
    sampler.start(lambda _: None)
    try:
        wait_for(lambda: not next(sampler.status()).ok)
        assert "install the distribution py-spy" in next(sampler.status()).reason
    finally:
        sampler.stop()


@pytest.mark.usefixtures("short_rounds")
def test_nobody_to_sample_is_fine():
    sampler = ContinuousPython(Settings(denies=lambda _: True))
    sampler.start(lambda _: None)
    try:
        time.sleep(0.3)
        (status,) = sampler.status()
    finally:
        sampler.stop()
    assert (status.ok, status.reason) == (True, "")


@pytest.mark.usefixtures("short_rounds")
def test_the_collector_never_samples_itself():
    said, sampler = Said(), ContinuousPython(Settings(0.5))
    with running(service="other"):
        sampler.start(said.samples.append)
        try:
            wait_for(lambda: any(isinstance(sample, wire.Stacks) for sample in list(said.samples)))
        finally:
            sampler.stop()
    assert said.stacks(os.getpid()) == {}
