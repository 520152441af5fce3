"""Accept queues of real listeners, with their owners."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from collectors.kernel import cgroups
from collectors.kernel.sockdiag import Listener
from collectors.probes.net import listeners, owners
from collectors.probes.net.listeners import Listeners, Queues
from collectors.wire import Points, ProbeStatus
from tests.collectors.probes.recorded import LIVE, host

SERVER = """
import os, socket, sys
server = socket.create_server(("127.0.0.1", 0), backlog=8)
if "forked" in sys.argv and os.fork() == 0:
    sys.stdin.read()
    os._exit(0)
print(server.getsockname()[1], flush=True)
sys.stdin.read()
"""


@contextmanager
def served(*words: str) -> Iterator[tuple[int, int]]:
    """pid and port of a process that listens with a backlog of 8 and never accepts."""
    process = subprocess.Popen(
        [sys.executable, "-c", SERVER, *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    try:
        yield process.pid, int(process.stdout.readline())
    finally:
        process.kill()
        process.communicate()


def at_port(samples, port: int) -> dict[str, Points]:
    points = [s for s in samples if isinstance(s, Points) and s.labels["listener"].endswith(f":{port}")]
    assert len(points) == len({point.metric for point in points})
    return {point.metric: point for point in points}


def settled(probe: Listeners, port: int) -> dict[str, Points]:
    """Owners are looked for as seldom as their cost allows: a little later is soon enough."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        found = at_port(probe.collect(host(LIVE)), port)
        if found:
            return found
        time.sleep(0.05)
    raise AssertionError(f"the listener on port {port} never showed")


def test_a_full_queue_is_told_with_its_limit_owner_and_drops():
    with served() as (pid, port):
        probe = Listeners()
        settled(probe, port)
        clients = []
        try:
            for _ in range(9):
                clients.append(socket.create_connection(("127.0.0.1", port), timeout=5))
            for _ in range(3):
                clients.append(socket.socket())
                clients[-1].setblocking(False)
                clients[-1].connect_ex(("127.0.0.1", port))
            time.sleep(0.1)
            told = at_port(probe.collect(host(LIVE)), port)
        finally:
            for client in clients:
                client.close()
        assert told[listeners.LENGTH].values == [9.0]
        assert told[listeners.LIMIT].values == [8.0]
        assert told[listeners.DROPS].values[0] >= 3
        assert told[listeners.DROPS].counter
        python = os.path.basename(sys.executable)  # noqa: PTH119
        assert told[listeners.LENGTH].labels == {
            "listener": f"127.0.0.1:{port}",
            "pid": str(pid),
            "service": python,
        }


def test_drops_from_before_the_first_reading_are_not_told(monkeypatch):
    unowned(monkeypatch)
    queues = Queues()
    first = list(queues.samples(host(LIVE), [listener(80, 0, drops=425)]))
    second = list(queues.samples(host(LIVE), [listener(80, 0, drops=425)]))
    assert [sample.metric for sample in first] == [listeners.INFO, listeners.LENGTH, listeners.LIMIT]
    assert [sample.values for sample in second if sample.metric == listeners.DROPS] == [[0.0]]


def told_drops(queues, *present):
    samples = queues.samples(host(LIVE), list(present))
    return {s.labels["listener"]: s.values for s in samples if s.metric == listeners.DROPS}


def test_a_listener_that_appears_later_tells_all_its_drops_at_once(monkeypatch):
    unowned(monkeypatch)
    queues = Queues()
    old, new = listener(80, 0, drops=425), listener(81, 0, drops=30)
    assert told_drops(queues, old) == {}
    assert told_drops(queues, old, new) == {"127.0.0.1:80": [0.0], "127.0.0.1:81": [30.0]}
    assert told_drops(queues, old, new) == {"127.0.0.1:80": [0.0], "127.0.0.1:81": [0.0]}


def test_drops_are_kept_until_the_owner_is_known(monkeypatch):
    nobody = owners.Owner(None, "")
    known: dict[int, owners.Owner] = {}
    monkeypatch.setattr(owners.Owners, "look_up", lambda self, netns, inodes: known)
    queues = Queues()
    told_drops(queues, listener(80, 0, drops=400))
    assert told_drops(queues, listener(80, 0, drops=410), listener(81, 0, drops=5)) == {}
    known.update({80: nobody, 81: nobody})
    told = told_drops(queues, listener(80, 0, drops=412), listener(81, 0, drops=7))
    assert told == {"127.0.0.1:80": [12.0], "127.0.0.1:81": [7.0]}


def test_a_restarted_listener_counts_from_its_own_start(monkeypatch):
    unowned(monkeypatch)
    queues = Queues()
    told_drops(queues, listener(80, 0, drops=425, inode=7))
    assert told_drops(queues, listener(80, 0, drops=3, inode=8)) == {"127.0.0.1:80": [3.0]}


def test_a_real_listener_that_begins_after_the_first_pass_tells_its_drops_with_its_first_reading():
    probe = Listeners()
    list(probe.collect(host(LIVE)))
    with served() as (_, port):
        clients = [socket.socket() for _ in range(12)]
        try:
            for client in clients:
                client.setblocking(False)
                client.connect_ex(("127.0.0.1", port))
            time.sleep(0.1)
            told = settled(probe, port)
        finally:
            for client in clients:
                client.close()
        assert told[listeners.DROPS].values[0] >= 3


def test_of_several_holders_the_oldest_is_the_owner():
    with served("forked") as (pid, port):
        assert settled(Listeners(), port)[listeners.LENGTH].labels["pid"] == str(pid)


def test_the_search_for_owners_is_not_repeated_while_nothing_changed(monkeypatch):
    with served() as (_, port):
        probe = Listeners()
        settled(probe, port)
        list(probe.collect(host(LIVE)))
        monkeypatch.setattr(owners.Owners, "_scan", lambda self, whole: pytest.fail("searched again"))
        for _ in range(5):
            assert at_port(probe.collect(host(LIVE)), port)


def test_a_socket_that_was_closed_is_forgotten():
    with served() as (pid, port):
        settled(Listeners(), port)
        assert pid in owners.of(LIVE).pids()
    list(Listeners().collect(host(LIVE)))
    assert pid not in owners.of(LIVE).pids()


def listener(port: int, queued: int, limit: int = 128, drops: int = 0, inode: int = 0) -> Listener:
    return Listener(socket.AF_INET, bytes([127, 0, 0, 1]), port, queued, limit, drops, inode or port)


def unowned(monkeypatch) -> None:
    nobody = owners.Owner(None, "")
    monkeypatch.setattr(owners.Owners, "look_up", lambda self, netns, inodes: dict.fromkeys(inodes, nobody))


def test_of_one_address_in_one_process_the_fullest_socket_is_told_and_drops_add_up(monkeypatch):
    unowned(monkeypatch)
    queues = Queues()
    list(
        queues.samples(host(LIVE), [listener(80, 0, 4, 1, 1), listener(80, 2, 4, 1, 2)])
    )  # and `listener_info`
    samples = list(queues.samples(host(LIVE), [listener(80, 5, 4, 3, 1), listener(80, 9, 100, 2, 2)]))
    assert {sample.metric: sample.values[0] for sample in samples} == {
        listeners.LENGTH: 5,
        listeners.LIMIT: 4,
        listeners.DROPS: 3,
    }


def test_in_a_crowd_idle_listeners_are_told_every_tenth_pass_and_busy_ones_always(monkeypatch):
    unowned(monkeypatch)
    queues = Queues()
    crowd = [listener(port, queued=int(port == 1007)) for port in range(1000, 1400)]
    told = []
    for _ in range(20):
        samples = [s for s in queues.samples(host(LIVE), crowd) if s.metric == listeners.LENGTH]
        told.append(len(samples))
    assert told == [400, *[1] * 9, 400, *[1] * 9]


def test_a_listener_that_nobody_was_found_for_is_told_without_an_owner(monkeypatch):
    unowned(monkeypatch)
    probe = Listeners()
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        samples = list(probe.collect(host(LIVE)))
    assert at_port(samples, port)[listeners.LENGTH].labels == {"listener": f"127.0.0.1:{port}"}
    (status,) = (sample for sample in samples if isinstance(sample, ProbeStatus))
    assert (status.probe, "nobody was found who holds" in status.reason) == (listeners.OWNERS_STATUS, True)


@pytest.fixture
def own_group() -> Iterator[Path]:
    """A control group of v2 that has no limits, gone afterwards."""
    mounted = cgroups.mount(Path("/sys"), cgroups.UNIFIED)
    if mounted is None:
        pytest.skip("no control groups of v2 are mounted here")
    group = Path(mounted) / "diagnose-test.slice" / f"shop-{os.getpid()}.service"
    group.mkdir(parents=True)
    try:
        yield group
    finally:
        deadline = time.monotonic() + 5
        while group.exists() and time.monotonic() < deadline:
            try:
                group.rmdir()
            except OSError:  # its last process is still dying
                time.sleep(0.05)
        group.parent.rmdir()


@pytest.mark.root(to="make a control group")
def test_the_group_that_a_listener_was_opened_in_names_the_service_where_no_owner_is_seen(
    own_group, monkeypatch
):
    unowned(monkeypatch)
    command = [sys.executable, "-c", f"open('{own_group}/cgroup.procs', 'w').write('0')\n{SERVER}"]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        port = int(process.stdout.readline())
        told = at_port(Listeners().collect(host(LIVE)), port)
    finally:
        process.kill()
        process.communicate()
    assert told[listeners.LENGTH].labels == {"listener": f"127.0.0.1:{port}", "service": own_group.name}
    assert told[listeners.INFO].labels["cgroup"] == f"/diagnose-test.slice/{own_group.name}"


def test_an_unknown_group_is_looked_for_seldom_and_a_broken_tree_is_no_error(tmp_path):
    base = tmp_path / "fs/cgroup"
    (base / "shop.slice/web.service").mkdir(parents=True)
    ids = cgroups.Ids()
    assert ids.path(tmp_path, 1) == ""
    for name in ("cgroup.procs", "cgroup.subtree_control"):
        (base / name).write_text("")
    number = (base / "shop.slice/web.service").stat().st_ino
    assert ids.path(tmp_path, number) == ""
    ids = cgroups.Ids()
    assert ids.path(tmp_path, number) == "/shop.slice/web.service"
    assert ids.path(tmp_path, base.stat().st_ino) == ""
