"""Listeners and counters of a real network namespace that is not ours."""

from __future__ import annotations

import time

import pytest

from collectors.kernel import netns
from collectors.probe import NoData
from collectors.probes.net import listeners
from collectors.probes.net.namespaces import SEARCH_SECONDS, UNREAD_STATUS, Namespaces
from collectors.wire import Points, ProbeStatus
from tests.collectors.probes.recorded import LIVE, host
from tests.collectors.sandbox import listener_in_a_namespace

pytestmark = pytest.mark.root(to="make a network namespace")


def passes(probe: Namespaces, count: int) -> list[Points | ProbeStatus]:
    """Passes five seconds apart, with real time between them for the search of owners."""
    samples = []
    start = time.time_ns()
    for number in range(count):
        samples += probe.collect(host(LIVE, start + number * 5 * 10**9))
        time.sleep(0.2)
    return samples


def test_queues_and_counters_of_a_container_carry_its_namespace():
    with listener_in_a_namespace() as (pid, port):
        inode = str(netns.inode_of(LIVE, pid))
        samples = passes(Namespaces(), 20)
    points = [s for s in samples if isinstance(s, Points) and s.labels["netns"] == inode]
    queues = [point for point in points if point.metric == listeners.LENGTH]
    assert queues
    assert queues[-1].values == [2.0]
    assert queues[-1].labels["listener"] == f"127.0.0.1:{port}"
    assert queues[-1].labels["pid"] == str(pid)
    assert "netstat_TcpExt_ListenOverflows" in {point.metric for point in points}


def test_a_namespace_is_let_go_when_its_last_process_ends():
    probe = Namespaces()
    with listener_in_a_namespace() as (pid, _):
        inode = netns.inode_of(LIVE, pid)
        passes(probe, 2)
        kept = probe._inside[inode]
    list(probe.collect(host(LIVE)))
    assert kept._diag is None
    list(probe.collect(host(LIVE, time.time_ns() + SEARCH_SECONDS * 10**9)))
    assert inode not in probe._inside


def test_counters_are_read_where_entering_is_not_allowed(monkeypatch):
    def refuse(*_):
        raise NoData("setns failed: Operation not permitted")

    monkeypatch.setattr(netns, "sock_diag_inside", refuse)
    with listener_in_a_namespace() as (pid, _):
        inode = str(netns.inode_of(LIVE, pid))
        samples = passes(Namespaces(), 2)
    points = [s for s in samples if isinstance(s, Points) and s.labels["netns"] == inode]
    statuses = [s for s in samples if isinstance(s, ProbeStatus)]
    assert points
    assert statuses[-1].probe == UNREAD_STATUS
    assert not statuses[-1].ok
    assert "Operation not permitted" in statuses[-1].reason


def test_when_nothing_of_the_others_can_be_read_the_probe_has_no_data(monkeypatch):
    def hide(_):
        raise NoData("the network namespaces of 3 processes may not be seen")
        yield

    monkeypatch.setattr(netns, "others", hide)
    with pytest.raises(NoData, match="of 3 processes"):
        list(Namespaces().collect(host(LIVE)))
