"""Requests of Go servers and pauses of Go's runtime, of known length, seen from outside of them."""

from __future__ import annotations

import contextlib
import http.client
import os
import re
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from collectors.ebpf.cells import Cell
from collectors.kernel import procfs
from collectors.probe import NoData
from collectors.probes.ebpf import breakpoints
from collectors.probes.ebpf.go_requests import FUNCTIONS, REQUEST, STOPPED, GoRequests
from collectors.processes import gofunctions, identity, watched
from collectors.wire import ProbeStatus
from tests.collectors import goprograms
from tests.collectors.goprograms import Served, built, serving
from tests.collectors.probes.ebpf.live import counting, histograms
from tests.collectors.probes.recorded import LIVE, host
from tests.conftest import pass_over

pytestmark = [pytest.mark.root(to="load eBPF programs"), goprograms.needs_go]

SERVICE = f"go-timed-{os.getpid()}"
FASTHTTP = Path("/usr/share/gocode/src/github.com/valyala/fasthttp")
# Two breakpoints and the kernel's wakeups come on top of what a request takes.
OVERHEAD_SECONDS = 0.03


@contextmanager
def watching(*pids: int) -> Iterator[None]:
    found = [identity.describe(procfs.stat(LIVE, pid), LIVE) for pid in pids]
    watched.of(LIVE).processes = found
    try:
        yield
    finally:
        watched.of(LIVE).processes = None


@contextmanager
def seen(program: Path, *arguments: str, **environment: str):
    """A program of known times, and a reading of what is told of it."""
    with (
        serving(program, *arguments, service=SERVICE, **environment) as served,
        watching(served.process.pid),
        counting(GoRequests()) as read,
    ):
        yield served, read


def ask(served: Served, *paths: str) -> str:
    client = http.client.HTTPConnection("127.0.0.1", served.port)
    for path in paths:
        client.request("GET", path)
        answer = client.getresponse().read().decode()
    client.close()
    return answer


@pytest.mark.parametrize(
    "flags",
    [
        (),
        ("-ldflags=-s -w",),
        pytest.param(
            ("-buildmode=pie",), marks=pytest.mark.system
        ),  # all of Go's library is compiled anew for it
        pytest.param(
            ("-buildmode=pie", "-ldflags=-s -w -linkmode=external"),
            marks=[pytest.mark.system, pytest.mark.program("gcc")],
        ),
    ],
    ids=["as built", "stripped", "loaded anywhere", "loaded anywhere, stripped, by the C linker"],
)
def test_requests_take_as_long_as_they_sleep(flags):
    with seen(built("timed", *flags)) as (served, read):
        ask(served, "/sleep?ms=20", "/sleep?ms=20", "/sleep?ms=50")
        (found,) = histograms(read(), REQUEST)
    assert found.labels == {"service": SERVICE}
    assert found.count == 3
    assert found.sum == pytest.approx(0.09, abs=3 * OVERHEAD_SECONDS)
    assert found.sum >= 0.09


def test_what_never_ends_is_not_told_and_takes_nothing_along():
    with seen(built("timed")) as (served, read):
        for path in ("/panic", "/hijack", "/panic"):
            with contextlib.suppress(http.client.HTTPException, ConnectionError):
                ask(served, path)
        ask(served, "/sleep?ms=5")
        (found,) = histograms(read(), REQUEST)
    assert found.count == 1
    assert 0.005 <= found.sum < 0.005 + OVERHEAD_SECONDS


def test_pauses_are_those_that_the_runtime_reports():
    """The runtime begins to count a moment before it stops the world, and ends a moment after it starts it again."""
    limits = {"GODEBUG": "asyncpreemptoff=1", "GOMAXPROCS": "2"}
    with seen(built("timed"), "127.0.0.1:0", **limits) as (served, read):
        cycles, pause_ns = map(int, ask(served, "/collect?n=5&ms=60").split())
        (found,) = histograms(read(), STOPPED)
    assert found.count == 2 * cycles == 10  # each cycle stops the world twice
    assert pause_ns > 0.1e9  # and has to wait for the loop
    assert 0.8 * pause_ns / 1e9 < found.sum <= pause_ns / 1e9


def test_short_pauses_are_told_too():
    with seen(built("timed")) as (served, read):
        cycles, pause_ns = map(int, ask(served, "/collect?n=20&ms=0").split())
        (found,) = histograms(read(), STOPPED)
    assert found.count == 2 * cycles == 40
    assert 0 < found.sum <= pause_ns / 1e9


@pytest.mark.system
def test_fasthttp_is_seen():
    if not FASTHTTP.exists():
        pass_over("needs the package golang-github-valyala-fasthttp-dev", "CI installs it with .ci/programs")
    with seen(built("fast")) as (served, read):
        ask(served, "/?ms=20", "/?ms=30")
        (found,) = histograms(read(), REQUEST)
    assert found.count == 2
    assert 0.05 <= found.sum < 0.05 + 2 * OVERHEAD_SECONDS


def test_a_program_that_is_restarted_or_comes_later_is_seen():
    probe, program = GoRequests(), built("timed")
    with counting_later(probe) as read:
        for _ in range(2):
            with serving(program, service=SERVICE) as served, watching(served.process.pid):
                read()
                read()
                ask(served, "/sleep?ms=5")
                (found,) = histograms(read(), REQUEST)
                assert found.count == 1
            with pytest.raises(NoData, match="no program of Go that listens"):
                read()


@contextmanager
def counting_later(probe: GoRequests):
    """While nothing of Go runs, there is nothing to count."""
    try:
        yield lambda: list(probe.collect(host(LIVE)))
    finally:
        probe._source.close()


def test_a_program_that_cannot_be_looked_into_is_said_beside_others():
    odd = built("timed").with_name("odd")
    content = bytearray(built("timed").read_bytes())
    for offset in gofunctions.offsets(str(built("timed")), FUNCTIONS["world_stops"]).values():
        content[offset : offset + 5] = b"\x90" + content[offset : offset + 4]  # begins otherwise
    odd.write_bytes(content)
    odd.chmod(0o755)
    with (
        serving(built("timed"), service=SERVICE) as served,
        serving(odd, service="odd") as other,
        watching(served.process.pid, other.process.pid),
        counting(GoRequests()) as read,
    ):
        read()
        read()
        ask(served, "/sleep?ms=5")
        samples = read()
    (status,) = [sample for sample in samples if isinstance(sample, ProbeStatus)]
    assert not status.ok
    assert "does not begin as Go's compiler lets functions begin" in status.reason
    assert histograms(samples, REQUEST, service=SERVICE)[0].count == 1


def test_many_requests_let_the_probe_rest(monkeypatch):
    monkeypatch.setattr(breakpoints, "cost_seconds", lambda _: 0.1)
    with seen(built("timed")) as (served, read):
        ask(served, *["/sleep?ms=0"] * 20)
        (found,) = histograms(read(), REQUEST)
        assert found.count == 20
        ask(served, "/sleep?ms=0")
        assert histograms(read(), REQUEST) == []


def test_what_a_breakpoint_costs_is_measured_and_told():
    with seen(built("timed")) as (served, read):
        ask(served, "/sleep?ms=0")
        (status,) = [sample for sample in read() if isinstance(sample, ProbeStatus)]
    cost = float(re.search(r"costs the programs (\S+) µs", status.reason)[1])
    assert 0.2 < cost < 200


def test_breakpoints_are_hung_at_this_process_only_and_for_as_long_as_it_is_measured():
    probe = GoRequests()
    with serving(built("timed"), service=SERVICE) as served, watching(served.process.pid):
        list(probe.collect(host(LIVE)))
        before = len(list(Path("/proc/self/fd").iterdir()))
        costs = [breakpoints.cost_seconds(probe._source.program("world_starts")) for _ in range(3)]
        assert len(list(Path("/proc/self/fd").iterdir())) == before
        probe._source.close()
    assert min(costs) > 2e-7  # a call alone is less


def test_the_pace_follows_the_breakpoints_of_others_and_not_what_is_told_of_them():
    def cell(kind: int, pid: int, number: int) -> Cell:
        return Cell(kind, 0, pid.to_bytes(4, "little"), number, 0)

    cells = [cell(0, 7, 5), cell(2, 7, 4_000), cell(2, os.getpid(), 200)]
    assert GoRequests()._source.events_of(cells) == 4_000


def test_a_request_over_a_rest_is_not_told():
    probe = GoRequests()
    with (
        serving(built("timed"), service=SERVICE) as served,
        watching(served.process.pid),
        counting(probe) as read,
    ):
        with socket.create_connection(("127.0.0.1", served.port)) as client:
            client.sendall(b"GET /sleep?ms=300 HTTP/1.1\r\nHost: shop\r\n\r\n")
            time.sleep(0.1)
            probe.rest()
            read()
            client.recv(1000)
            ask(served, "/sleep?ms=1")
        (found,) = histograms(read(), REQUEST)
    assert found.count == 1
    assert found.sum < 0.1
