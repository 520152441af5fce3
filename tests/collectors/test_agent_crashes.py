"""The whole agent in its own process: exact across crashes of itself and misbehaviour of the server."""

from __future__ import annotations

import itertools
import random
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager, suppress

import pytest

from collectors.wire import Points
from tests.collectors.acceptor import Acceptor, json_reply, serving

BATCHES, COMMANDS = "/api/v1/batches", "/api/v1/commands"


@pytest.fixture
def server():
    with serving(Acceptor()) as acceptor:
        acceptor.routes[COMMANDS] = lambda _: json_reply(200, {"commands": [], "after": ""})
        yield acceptor


@contextmanager
def ticking(server, state_dir):
    """An agent in its own process."""
    module = [sys.executable, "-m", "tests.collectors.ticking_agent"]
    process = subprocess.Popen([*module, server.url, str(state_dir)], stderr=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
        process.stderr.close()


def ticks_by_run(server) -> dict[str, list[float]]:
    found: dict[str, list[float]] = {}
    for sample in server.samples():
        if isinstance(sample, Points) and sample.metric == "ticks":
            found.setdefault(sample.labels["pid"], []).extend(sample.values)
    return found


def misbehaviour(seed: int) -> list:
    """What a server may answer, in an order that is random but the same every time."""
    nonsense = [
        json_reply(500, {}),
        json_reply(503, {}, **{"Retry-After": "0"}),
        json_reply(429, {}),
        json_reply(401, {}),
        (200, {}, b"<html>captive portal</html>"),
        (202, {}, b"garbage"),
        json_reply(202, {"committed": {"epoch": "00000000deadbeef", "seq": 10**6}}),
        (0, {}, b"\x00 no HTTP\r\n\r\n"),
        (0, {}, b""),
    ]
    return random.Random(seed).choices(nonsense, k=12)


def test_killed_with_9_again_and_again_under_a_bad_server_nothing_is_lost_and_nothing_counted_twice(
    server, tmp_path
):
    for round_ in range(4):
        server.script[BATCHES] = misbehaviour(round_)
        arrived = len(server.batches)
        with ticking(server, tmp_path) as process:
            server.wait_for(lambda before=arrived: len(server.batches) >= before + 5, 20)
            process.send_signal(signal.SIGKILL)
            process.wait()
    with ticking(server, tmp_path) as process:  # what the last one left in the spool comes now
        server.wait_for(lambda: str(process.pid) in ticks_by_run(server), 20)
        process.terminate()
        assert process.wait(5) == 0
    (epoch,) = {epoch for epoch, _ in server.batches}
    seqs = sorted(seq for _, seq in server.batches)
    assert seqs == list(range(1, len(seqs) + 1))
    assert all(len(contents) == 1 for contents in server.digests.values())  # no number was used twice
    assert server.committed[epoch] == seqs[-1]
    runs = ticks_by_run(server)
    assert len(runs) == 5
    for values in runs.values():  # in order and without a hole, up to the moment of the kill
        assert values == [float(n) for n in range(1, len(values) + 1)]


def test_while_the_server_is_away_batches_wait_and_then_arrive_in_order(tmp_path):
    acceptor = Acceptor()
    with serving(acceptor):
        port = int(acceptor.url.rpartition(":")[2])
    with ticking(acceptor, tmp_path):
        time.sleep(1.5)
        with serving(acceptor, port):
            acceptor.wait_for(lambda: len(acceptor.batches) > 12, 10)
    firsts = [seq for seq, _ in itertools.groupby(seq for _, seq in acceptor.arrivals)]
    assert firsts[:10] == list(range(1, 11))


def test_stopped_and_continued_it_goes_on_where_it_was_and_makes_up_for_nothing(server, tmp_path):
    """What a debugger, a paused virtual machine or a suspended laptop does to it."""
    with ticking(server, tmp_path) as process:
        server.wait_for(lambda: len(server.batches) >= 3, 20)
        process.send_signal(signal.SIGSTOP)
        time.sleep(0.3)  # what was on its way arrives
        before = len(ticks_by_run(server)[str(process.pid)])
        time.sleep(2.0)
        process.send_signal(signal.SIGCONT)
        continued, arrived = time.monotonic(), len(server.batches)
        server.wait_for(lambda: len(server.batches) >= arrived + 5, 20)
        process.terminate()
        assert process.wait(5) == 0
        seconds = time.monotonic() - continued
    (values,) = ticks_by_run(server).values()
    assert values == [float(n) for n in range(1, len(values) + 1)]
    assert all(len(contents) == 1 for contents in server.digests.values())
    assert (
        len(values) - before <= 100 + seconds / 0.02
    )  # of the hundred runs that were missed, hardly any came later
    assert len(values) > before


@contextmanager
def small_disk(directory):
    """A file system of 256 KiB."""
    directory.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", directory], check=True)
    try:
        yield directory
    finally:
        subprocess.run(["umount", "-l", directory], check=True)


@pytest.mark.root(to="mount a small file system")
def test_a_disk_that_is_full_while_the_server_is_away_loses_nothing_that_memory_can_hold(tmp_path):
    acceptor = Acceptor()
    with serving(acceptor):
        port = int(acceptor.url.rpartition(":")[2])
    with small_disk(tmp_path / "disk") as disk, ticking(acceptor, disk / "state") as process:
        wait_until(lambda: len(list((disk / "state/spool").glob("*.batch"))) >= 3)
        filler = disk / "filler"
        with filler.open("wb", buffering=0) as stream, suppress(OSError):
            while True:
                stream.write(bytes(4096))
        kept = len(list((disk / "state/spool").glob("*.batch")))
        time.sleep(1.0)
        assert len(list((disk / "state/spool").glob("*.batch"))) <= kept + 1  # there is no room indeed
        with serving(acceptor, port):
            acceptor.wait_for(lambda: len(acceptor.batches) >= kept + 10, 20)
            process.terminate()
            assert process.wait(5) == 0
    (values,) = ticks_by_run(acceptor).values()
    assert values == [float(n) for n in range(1, len(values) + 1)]


def wait_until(true) -> None:
    deadline = time.monotonic() + 20
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_sigterm_leaves_within_two_seconds_with_everything_in_the_spool(tmp_path):
    silent = Acceptor()
    release = threading.Event()

    def hold(_):
        release.wait(20)
        return json_reply(500, {})

    silent.routes = {BATCHES: hold, COMMANDS: hold}
    try:
        with serving(silent):
            with ticking(silent, tmp_path) as process:
                silent.wait_for(lambda: any(r.path == BATCHES for r in silent.requests))
                time.sleep(0.5)
                asked = time.monotonic()
                process.terminate()
                assert process.wait(5) == 0
                assert time.monotonic() - asked < 2.0
            release.set()
    finally:
        release.set()
    with serving(Acceptor()) as server, ticking(server, tmp_path):
        server.wait_for(lambda: len(ticks_by_run(server)) == 2)
        first = min(ticks_by_run(server).items(), key=lambda item: -len(item[1]))[1]
        assert len(first) >= 10
        assert sorted(first) == [float(n) for n in range(1, len(first) + 1)]


def test_a_second_agent_on_the_same_directory_is_refused_with_the_remedy(server, tmp_path):
    with ticking(server, tmp_path) as first:
        server.wait_for(lambda: server.arrivals)
        with ticking(server, tmp_path) as second:
            assert second.wait(10) == 1
            said = second.stderr.read()
        assert first.poll() is None
    assert f"in use by pid {first.pid}" in said
    assert "--state-dir" in said
