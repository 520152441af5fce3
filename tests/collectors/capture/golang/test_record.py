"""Captures on demand of a real Go program, whose shares, allocations and waits are known."""

from __future__ import annotations

import os
import re
import threading
import time
import urllib.request
from collections import Counter
from pathlib import Path

import pytest

from collectors.capture import kinds
from collectors.capture.choose import PROC
from collectors.capture.failures import CaptureError
from collectors.capture.golang import endpoints
from collectors.capture.kind import Cancelled, Request, Result
from collectors.wire import CaptureTarget, Stacks
from tests.collectors import goprograms
from tests.collectors.capture.golang.bad_servers import answering, body

pytestmark = goprograms.needs_go
SERVICE = f"go-shop-{os.getpid()}"


class Watch:
    """Lets a capture go on until it is called off."""

    def __init__(self) -> None:
        self.told: list[float] = []
        self.called_off = threading.Event()

    def goes_on(self) -> bool:
        return self.wait(0)

    def wait(self, seconds: float) -> bool:
        if self.called_off.wait(seconds):
            raise Cancelled
        return True

    def tell(self, share: float, message: str, samples: int = 0) -> None:
        self.told.append(share)


@pytest.fixture(scope="module")
def shop():
    with goprograms.serving(goprograms.built("shop"), "127.0.0.1:0", "busy", service=SERVICE) as served:
        yield served


def captured(kind: str, target: CaptureTarget, seconds: int = 1, watch: Watch | None = None) -> Result:
    return kinds.named(kind).capture(Request("C1", target, seconds, 100), watch or Watch())


def by_function(stacks: Stacks) -> Counter[str]:
    """Values of all stacks that a function is in, once each."""
    columns, found = stacks.columns, Counter()
    frames = [stacks.strings[frame.name] for frame in columns.frame_list()]
    paths = columns.stack_list()
    for sample in columns.sample_list():
        for name in {frames[frame] for frame in paths[sample.stack]}:
            found[name] += sample.value
    return found


def ask(served: goprograms.Served, path: str) -> None:
    urllib.request.urlopen(served.url + path).read()


def test_cpu_of_a_process_is_found_by_its_pid_without_any_setting(shop):
    watch = Watch()
    result = captured("go_cpu", CaptureTarget(pid=shop.process.pid), 2, watch)
    (stacks,) = result.samples
    assert (stacks.type, stacks.unit, stacks.period) == ("cpu", "samples", 10_000_000)
    assert (stacks.service, stacks.labels) == (SERVICE, {"pid": str(shop.process.pid)})
    assert stacks.capture_id == "C1"
    assert result.count == stacks.columns.total > 5
    assert by_function(stacks)["main.spin"] > 0.8 * result.count
    assert re.fullmatch(r"\d+ samples in \d+\.\d s", result.message)
    assert watch.told == sorted(watch.told) != []


@pytest.mark.system
def test_shares_of_cpu_are_those_of_the_program(shop):
    (stacks,) = captured("go_cpu", CaptureTarget(service=SERVICE), 25).samples
    found = by_function(stacks)
    whole = found["main.main.func4"]
    for name, share in (("seventy", 0.7), ("twenty", 0.2), ("ten", 0.1)):
        assert found[f"main.{name}"] / whole == pytest.approx(share, abs=0.03)


def test_memory_that_is_held_and_that_was_allocated_is_told(shop):
    ask(shop, "/keep?n=5000000")
    ask(shop, "/waste?n=7000000")
    urllib.request.urlopen(
        f"{shop.url}/debug/pprof/heap?gc=1"
    ).read()  # held memory is that of the last collection
    held, allocated = captured("go_heap", CaptureTarget(service=SERVICE)).samples
    assert (held.type, held.unit, held.period) == ("inuse_space", "bytes", 1)
    assert 5_000_000 <= by_function(held)["main.waste"] < 6_000_000
    assert (allocated.type, allocated.unit) == ("alloc_space", "bytes")
    assert 12_000_000 <= by_function(allocated)["main.waste"] < 13_000_000


def test_every_goroutine_is_told_with_where_it_is(shop):
    result = captured("go_goroutine", CaptureTarget(pid=shop.process.pid))
    (stacks,) = result.samples
    assert (stacks.type, stacks.unit) == ("goroutine", "count")
    assert by_function(stacks)["net/http.(*Server).Serve"] == 1
    assert f"{result.count} goroutines" in result.message


class Contending(Watch):
    """Lets the shop wait for a lock once the capture has begun to count."""

    def __init__(self, shop: goprograms.Served) -> None:
        super().__init__()
        self._shop = shop

    def tell(self, share: float, message: str, samples: int = 0) -> None:
        if not self.told:
            ask(self._shop, "/contend?n=80")
        super().tell(share, message, samples)


@pytest.mark.parametrize(("kind", "function"), [("mutex", "main.hold"), ("block", "main.hold")])
def test_waits_for_a_lock_are_told_as_what_came_in_the_time(shop, kind, function):
    """Two hold a lock for 80 ms each, one after the other: the second waits that long."""
    ask(shop, "/contend?n=300")  # before: does not count
    result = captured(f"go_{kind}", CaptureTarget(pid=shop.process.pid), 2, Contending(shop))
    (stacks,) = result.samples
    assert (stacks.type, stacks.unit, stacks.period) == (kind, "nanoseconds", 1)
    assert 0.075 < by_function(stacks)[function] / 1e9 < 0.3
    assert result.partial == ""


def test_a_trace_is_kept_as_a_file(shop):
    result = captured("go_trace", CaptureTarget(pid=shop.process.pid))
    (file,) = result.files
    assert file.name == f"{SERVICE}.trace"
    assert file.content.startswith(b"go 1.")
    assert "MB for `go tool trace`" in result.message


def test_a_capture_that_is_called_off_ends_at_once_and_frees_the_program(shop):
    watch = Watch()
    threading.Timer(0.3, watch.called_off.set).start()
    began = time.monotonic()
    with pytest.raises(Cancelled):
        captured("go_cpu", CaptureTarget(pid=shop.process.pid), 60, watch)
    assert time.monotonic() - began < 3
    time.sleep(0.3)
    assert captured("go_cpu", CaptureTarget(pid=shop.process.pid)).count > 0


def test_a_program_that_counts_no_locks_is_told_what_it_has_to_do():
    empty = b"\x0a\x00\x0a\x04\x08\x01\x10\x02\x32\x00\x32\x05delay\x32\x0bnanoseconds"
    with answering(body(empty)) as endpoint:
        known = endpoints.of(PROC)
        known.named = (("quiet-shop", endpoint.url),)
        try:
            result = captured("go_mutex", CaptureTarget(service="quiet-shop"))
        finally:
            known.named = ()
    assert result.count == 0
    assert "runtime.SetMutexProfileFraction" in result.partial


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"<html>hello</html>", "cannot be read"),
        (b"\x0a\x00\x32\x00", "is another profile: the profile has , and no"),
    ],
)
def test_what_is_no_profile_fails_in_words(content, words):
    with answering(body(content)) as endpoint:
        known = endpoints.of(PROC)
        known.named = (("odd-shop", endpoint.url),)
        try:
            with pytest.raises(CaptureError, match=words):
                captured("go_heap", CaptureTarget(service="odd-shop"))
        finally:
            known.named = ()


def test_who_serves_no_profiles_is_told_how_to():
    words = r"serves no /debug/pprof/ .*: import net/http/pprof"
    with (
        goprograms.serving(goprograms.built("plain"), service="plain-shop") as plain,
        pytest.raises(CaptureError, match=words),
    ):
        captured("go_cpu", CaptureTarget(pid=plain.process.pid))
    with pytest.raises(CaptureError, match="No Go process of service 'nobody'"):
        captured("go_cpu", CaptureTarget(service="nobody"))


def test_what_the_owner_keeps_is_not_read(shop):
    request = Request(
        "C1", CaptureTarget(pid=shop.process.pid), 1, 100, denies=lambda one: one.service == SERVICE
    )
    with pytest.raises(CaptureError, match="No Go process"):
        kinds.named("go_heap").capture(request, Watch())


def test_programs_are_found_only_where_that_is_wanted(shop):
    known = endpoints.Endpoints(Path("/proc"))
    assert SERVICE not in {each.service for each in known.all(lambda _: False, discover=False)}
    (found,) = [each for each in known.all(lambda _: False, discover=True) if each.service == SERVICE]
    assert (found.url, found.pid) == (f"{shop.url}/debug/pprof", shop.process.pid)
    assert known.all(lambda one: one.service == SERVICE, discover=True) == [
        each for each in known.all(lambda _: False, discover=True) if each.service != SERVICE
    ]


def test_a_named_address_is_told_with_its_process_and_kept_when_its_owner_keeps_it(shop):
    known = endpoints.Endpoints(Path("/proc"))
    known.named = (("front", shop.url),)
    (found,) = known.all(lambda _: False, discover=False)
    assert (found.service, found.pid) == ("front", shop.process.pid)
    assert known.all(lambda one: one.service == SERVICE, discover=False) == []
    assert known.all(lambda one: one.service == "front", discover=False) == []
