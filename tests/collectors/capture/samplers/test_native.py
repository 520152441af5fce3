"""Continuous sampling of everything that runs, on programs whose shares are known; quicker than on a real host."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from collectors import wire
from collectors.capture.native import pace
from collectors.capture.native.pace import Pace
from collectors.capture.sampler import Settings
from collectors.capture.samplers import native
from collectors.capture.samplers.native import ContinuousNative
from collectors.kernel import procfs
from collectors.probes.ebpf.services import ENDED, KERNEL
from tests.collectors.capture.native.programs import compiled, running, shares, stacks_of

pytestmark = [pytest.mark.root(to="load eBPF programs"), pytest.mark.program("gcc")]

HZ = 499
ENOUGH = 1200  # at 70 %, one standard deviation is then 1.3 points at most
SECONDS = 150  # on a busy machine
UNBOUND = Settings(cpu_share=9.0)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(native, "DRAIN_SECONDS", 0.2)
    monkeypatch.setattr(native, "TELL_SECONDS", 0.5)
    monkeypatch.setattr(pace, "RATES_HZ", (HZ, HZ))


@contextmanager
def sampling(settings: Settings = UNBOUND) -> Iterator[list[wire.Sample]]:
    said: list[wire.Sample] = []
    sampler = ContinuousNative(settings)
    sampler.start(said.append)
    try:
        yield said
        (status,) = sampler.status()
        assert status.ok, status.reason
    finally:
        sampler.stop()


def enough(said: list[wire.Sample], service: str, most: int = ENOUGH) -> Counter[tuple[str, ...]]:
    """Stacks of the service, once there are many."""
    deadline = time.monotonic() + SECONDS
    while stacks_of(list(said), service=service).total() < most:
        assert time.monotonic() < deadline, [each for each in said if not isinstance(each, wire.Stacks)][-3:]
        time.sleep(0.1)
    return stacks_of(list(said), service=service)


def near(found: list[float], *expected: float) -> bool:
    return all(abs(one - other) <= 3 for one, other in zip(found, expected, strict=True))


def test_shares_of_a_program_in_c_are_those_it_was_written_with(in_c):
    with running(in_c) as process, sampling() as said:
        stacks = enough(said, "shares")
    found = shares(stacks, "seventy", "twenty", "ten", "[truncated]")
    assert near(found, 70, 20, 10, 0), found
    assert all(stack[1:4] == ("main", "dive", "serve") for stack in stacks if "seventy" in stack)
    profile = next(each for each in said if isinstance(each, wire.Stacks) and each.service == "shares")
    assert profile.labels == {"runtime": "native", "pid": str(process.pid)}
    assert profile.period == round(1e9 / HZ)
    assert "shares" in profile.strings


def test_shares_and_names_of_a_program_in_cpp(in_cpp):
    with running(in_cpp), sampling() as said:
        stacks = enough(said, "shares")
    names = [f"void shop::spend<{rounds}l>()" for rounds in (70000, 20000, 10000)]
    found = shares(stacks, *names, "shop::Basket::price(int, char const*)")
    assert near(found, 70, 20, 10, 100), (found, stacks.most_common(3))


@pytest.mark.program("rustc")
def test_shares_and_names_of_a_program_in_rust(tmp_path):
    program = compiled(tmp_path, "shares.rs", "-Cforce-frame-pointers=yes")
    with running(program), sampling() as said:
        stacks = enough(said, "shares")
    priced = "<shares::shop::Basket as shares::shop::Priced>::price"
    assert near(shares(stacks, priced), 100), stacks.most_common(3)
    assert all("::h" not in name for stack in stacks for name in stack)


@pytest.mark.program("go")
def test_shares_of_a_program_in_go_also_when_it_was_stripped(tmp_path):
    program = compiled(tmp_path, "shares.go", "-ldflags=-s -w")
    with running(program), sampling() as said:
        stacks = enough(said, "shares")
    found = shares(stacks, "main.seventy", "main.twenty", "main.ten", "[truncated]")
    assert near(found, 70, 20, 10, 0), (found, stacks.most_common(3))


def test_a_stack_without_frame_pointers_says_that_it_is_cut_short(without_frame_pointers):
    with running(without_frame_pointers), sampling() as said:
        stacks = enough(said, "shares", 300)
    (truncated,) = shares(stacks, "[truncated]")
    assert truncated > 95
    assert shares(stacks, "main")[0] < 5


def test_a_deep_recursion_is_cut_and_says_so(in_c):
    with running(in_c, "2000"), sampling() as said:
        stacks = enough(said, "shares", 300)
    assert {len(stack) for stack in stacks if stack[-1] in {"spend", "step"}} == {128}
    assert all(stack[0] == "[truncated]" for stack in stacks if "dive" in stack)


def test_what_sleeps_is_not_counted_and_python_is_left_to_its_own_sampler(in_c):
    environment = {**os.environ, "DIAGNOSE_SERVICE": "snake"}
    sleeper = subprocess.Popen(["/bin/sleep", "60"], env={**environment, "DIAGNOSE_SERVICE": "sleeper"})
    busy = subprocess.Popen([sys.executable, "-c", "while True: pass"], env=environment)
    try:
        with running(in_c), sampling() as said:
            enough(said, "shares", 300)
    finally:
        for process in (sleeper, busy):
            process.kill()
            process.wait()
    assert stacks_of(said, service="sleeper").total() <= 1
    assert stacks_of(said, service="snake").total() == 0


def test_what_the_owner_of_the_host_denies_is_not_taken(in_c):
    settings = Settings(cpu_share=9.0, denies=lambda process: process.service == "secret")
    with running(in_c, service="secret"), running(in_c), sampling(settings) as said:
        enough(said, "shares", 300)
    assert stacks_of(said, service="secret").total() == 0


def test_time_in_the_kernel_is_told_as_such():
    copier = subprocess.Popen(
        ["dd", "if=/dev/zero", "of=/dev/null", "bs=1M"],
        env={**os.environ, "DIAGNOSE_SERVICE": "copier"},
        stderr=subprocess.DEVNULL,
    )
    try:
        with sampling() as said:
            stacks = enough(said, "copier", 300)
    finally:
        copier.kill()
        copier.wait()
    assert sum(shares(stacks, "entry_SYSCALL_64_after_hwframe", "el0t_64_sync")) > 60
    profile = next(each for each in said if isinstance(each, wire.Stacks) and each.service == "copier")
    modules = {profile.strings[frame.module] for frame in profile.columns.frame_list()}
    assert "[kernel]" in modules


def test_processes_that_ended_and_threads_of_the_kernel_are_told_together():
    """They show as soon as any of them ran at a tick."""
    with sampling() as said:
        deadline = time.monotonic() + SECONDS
        while (
            not stacks_of(list(said), service=ENDED).total()
            or not stacks_of(list(said), service=KERNEL).total()
        ):
            assert time.monotonic() < deadline
            for _ in range(20):
                subprocess.run(["/bin/sh", "-c", "for i in 1 2 3 4 5 6 7 8 9; do :; done; sync"], check=True)
    kept = [each for each in said if isinstance(each, wire.Stacks) and each.service in {ENDED, KERNEL}]
    assert all(each.labels == {"runtime": "native"} for each in kept)


def test_a_program_that_became_another_is_named_anew(in_cpp):
    shell = subprocess.Popen(
        ["/bin/sh", "-c", f"i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done; exec {in_cpp}"],
        env={**os.environ, "DIAGNOSE_SERVICE": "changing"},
        stdout=subprocess.DEVNULL,
    )
    try:
        with sampling() as said:
            deadline = time.monotonic() + SECONDS
            while not shares_of_price(said):
                assert time.monotonic() < deadline
                time.sleep(0.1)
    finally:
        shell.kill()
        shell.wait()


def shares_of_price(said: list[wire.Sample]) -> int:
    stacks = stacks_of(list(said), service="changing")
    return sum(times for stack, times in stacks.items() if "shop::Basket::price(int, char const*)" in stack)


def test_the_stop_takes_all_off_the_kernel():
    sampler = ContinuousNative(UNBOUND)
    sampler.start(lambda _: None)
    began = wait_until(lambda: sampler._pace.hz > 0 and attached() > 0)
    sampler.stop()
    assert time.monotonic() - began < 2
    assert attached() == 0


def attached() -> int:
    """Perf events that this process holds."""
    return sum("perf_event" in target for _, target in procfs.fd_links("/proc", os.getpid(), 1000))


def wait_until(condition: Callable[[], bool]) -> float:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return time.monotonic()


def test_the_rate_falls_when_looking_costs_too_much_and_rises_again(monkeypatch):
    monkeypatch.undo()
    rate = Pace(0.01)
    rate.learn(100.0, 400, 10.0)  # beginning is dear, once
    assert rate.hz == 19
    rates = []
    for _ in range(20):
        rate.learn(0.5, 400, 10.0)
        rates.append(rate.hz)
    assert rates[-1] == 1
    assert rates == sorted(rates, reverse=True)
    for _ in range(60):
        rate.learn(0.001, 400, 10.0)
    assert rate.hz == 49
