"""Go programs that are read all the time: what they allocate is told exactly once, restarts included."""

from __future__ import annotations

import itertools
import os
import re
import threading
import time
import urllib.request
from pathlib import Path

import pytest

from collectors.capture.golang import endpoints, lane
from collectors.capture.golang.lane import Lane
from collectors.capture.sampler import Settings
from collectors.capture.samplers.golang import ContinuousGo
from collectors.wire import Points, Stacks
from tests.collectors import goprograms
from tests.collectors.capture.golang.bad_servers import answering, body, without_end
from tests.collectors.capture.golang.test_record import by_function

PROC = Path("/proc")
SERVICE = f"go-lane-{os.getpid()}"


def until(condition, seconds: float = 40.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.fixture
def emitted(monkeypatch) -> list[Stacks | Points]:
    """What lanes tell, of which each has a round of a second."""
    monkeypatch.setattr(lane, "ROUND_SECONDS", 0.5)
    monkeypatch.setattr(lane, "CPU_SECONDS", 1)
    monkeypatch.setattr(lane, "_MOST_WRITING_SHARE", 1.0)
    return []


def of_type(emitted, kind: str) -> list[Stacks]:
    return [one for one in emitted if isinstance(one, Stacks) and one.type == kind]


def wasted(emitted) -> int:
    return sum(by_function(one)["main.waste"] for one in of_type(emitted, "alloc_space"))


@goprograms.needs_go
def test_a_named_program_is_read_round_after_round(emitted):
    known = endpoints.of(PROC)
    with goprograms.serving(goprograms.built("shop"), "127.0.0.1:0", "busy", service=SERVICE) as shop:
        known.named = (("front", shop.url),)
        sampler = ContinuousGo(Settings())
        sampler.start(emitted.append)
        try:
            until(lambda: of_type(emitted, "goroutine"))
            urllib.request.urlopen(f"{shop.url}/waste?n=3000000").read()
            urllib.request.urlopen(f"{shop.url}/contend?n=50").read()
            until(lambda: of_type(emitted, "mutex") and of_type(emitted, "block") and wasted(emitted))
            (status,) = sampler.status()
        finally:
            known.named = ()
            sampler.stop()
        assert not [thread for thread in threading.enumerate() if thread.name in ("go", "go-lane")]
    assert (status.ok, status.reason) == (True, "")
    assert status.seconds > 0
    assert 3_000_000 <= wasted(emitted) < 3_100_000
    cpu = of_type(emitted, "cpu")[0]
    assert (cpu.service, cpu.labels, cpu.capture_id) == ("front", {"pid": str(shop.process.pid)}, None)
    assert by_function(cpu)["main.spin"] > 0.8 * cpu.columns.total > 3
    assert 1 <= (cpu.end_ns - cpu.start_ns) / 1e9 < 10
    goroutines = next(one for one in emitted if isinstance(one, Points) and one.metric == "go_goroutines")
    assert goroutines.values == [of_type(emitted, "goroutine")[0].columns.total]
    heap = of_type(emitted, "alloc_space")
    assert all(before.end_ns <= after.start_ns for before, after in itertools.pairwise(heap))


@goprograms.needs_go
def test_what_is_allocated_is_told_once_over_restarts(emitted):
    """The second process soon has more than the first had, so that no stack tells that it is another."""
    known, port, total = endpoints.of(PROC), goprograms.free_port(), 0
    known.named = (("front", f"http://127.0.0.1:{port}"),)
    running = lane_ = None
    try:
        for sizes in ([1_000_000, 2_000_000], [4_000_000, 1_000_000], [500_000]):
            with goprograms.serving(goprograms.built("shop"), f"127.0.0.1:{port}", service=SERVICE) as shop:
                (endpoint,) = known.all(lambda _: False, discover=False)
                if running is None:
                    lane_ = Lane(endpoint, emitted.append, PROC)
                    until(lambda: of_type(emitted, "goroutine"))  # the first reading only begins
                lane_.endpoint = running = endpoint
                for size in sizes:
                    urllib.request.urlopen(f"{shop.url}/waste?n={size}").read()
                    total += size
                    until(lambda: wasted(emitted) >= total)  # noqa: B023
        assert total <= wasted(emitted) < total + 100_000
    finally:
        known.named = ()
        lane_.stop()
        lane_.thread.join(5)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (body(b"garbage", "200 OK"), "it is no profile|cut short"),
        (body(b"", "404 Not Found"), "has to import net/http/pprof"),
        (without_end, "sent more than 8 MiB"),
    ],
)
def test_a_program_that_answers_nonsense_is_said_and_asked_ever_less(emitted, answer, words):
    with answering(answer) as endpoint:
        one = Lane(endpoint, emitted.append, PROC)
        try:
            until(lambda: one.reason)
            assert re.search(words, one.reason)
        finally:
            one.stop()
            one.thread.join(5)
    assert emitted == []


def test_a_host_without_such_programs_says_nothing():
    sampler = ContinuousGo(Settings())
    sampler.start(lambda _: None)
    try:
        assert list(sampler.status()) == []
    finally:
        sampler.stop()


def test_a_program_that_went_away_is_left_and_a_missing_one_is_said(emitted):
    known = endpoints.of(PROC)
    known.named = (("gone", f"http://127.0.0.1:{goprograms.free_port()}"),)
    sampler = ContinuousGo(Settings())
    try:
        sampler._look(emitted.append)
        until(lambda: not next(sampler.status()).ok)
        assert "Nobody listens at" in next(sampler.status()).reason
        known.named = ()
        sampler._look(emitted.append)
        assert list(sampler.status()) == []
    finally:
        known.named = ()
        sampler.stop()


def test_a_program_under_the_name_that_its_owner_keeps_is_not_read(emitted):
    known = endpoints.of(PROC)
    with answering(body(b"")) as endpoint:
        known.named = (("vault", endpoint.url),)
        sampler = ContinuousGo(Settings(denies=lambda one: one.service == "vault"))
        try:
            sampler._look(emitted.append)
            assert list(sampler.status()) == []
        finally:
            known.named = ()
            sampler.stop()
