"""Sockets that listen on one address together: who is a member, and each one's own queue."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator

import pytest

from collectors.kernel.sockdiag import Listener, SockDiag
from collectors.probes.net import owners, reuseport
from collectors.probes.net.reuseport import DROPS, PASSES, QUEUE, Queues
from collectors.wire import Points
from tests.collectors.probes.recorded import LIVE, host

NOBODY = owners.Owner(None, "")


@pytest.fixture(autouse=True)
def groups() -> Iterator[None]:
    reuseport.of.cache_clear()
    yield
    reuseport.of.cache_clear()


def listener(inode: int, queued: int = 0, port: int = 80) -> Listener:
    return Listener(socket.AF_INET, bytes([127, 0, 0, 1]), port, queued, 128, 0, inode)


def told(queues: Queues, *passes: list[Listener], drops: dict[int, float] | None = None) -> list[Points]:
    samples: list[Points] = []
    for found in passes:
        known = {at.inode: NOBODY for at in found}
        samples += queues.samples(host(LIVE), found, known, drops or {})
    return samples


def test_the_longest_queue_of_each_member_is_told_every_ten_passes():
    quiet = [listener(1), listener(2)]
    busy = [listener(1, queued=7), listener(2)]
    samples = told(Queues(), *[quiet] * (PASSES - 2), busy, quiet, drops={1: 1.0})
    assert {(s.metric, s.labels["member"]): s.values for s in samples} == {
        (QUEUE, "1"): [7.0],
        (QUEUE, "2"): [0.0],
        (DROPS, "1"): [10.0],
    }
    assert {s.labels["listener"] for s in samples} == {"127.0.0.1:80"}


def test_a_socket_alone_at_its_address_is_no_member():
    assert told(Queues(), *[[listener(1), listener(2, port=81)]] * PASSES) == []


def test_a_group_that_is_down_to_one_is_none_any_more():
    queues = Queues("4026532000")
    told(queues, [listener(1), listener(2)])
    assert set(reuseport.of(LIVE).all()) == {1, 2}
    told(queues, [listener(2)])
    assert reuseport.of(LIVE).all() == {}


def test_members_of_a_namespace_that_is_gone_are_forgotten_and_others_stay():
    told(Queues("4026532000"), [listener(1), listener(2)])
    told(Queues(), [listener(3), listener(4)])
    reuseport.of(LIVE).leave("4026532000")
    assert set(reuseport.of(LIVE).all()) == {3, 4}


def test_real_sockets_of_one_address_are_found_with_their_queues():
    with (
        socket.create_server(("127.0.0.1", 0), reuse_port=True) as one,
        socket.create_server(one.getsockname(), reuse_port=True) as two,
    ):
        clients = [socket.create_connection(one.getsockname()) for _ in range(20)]
        diag = SockDiag()
        try:
            samples = told(Queues(), *[diag.listeners()] * PASSES)
        finally:
            diag.close()
            for client in clients:
                client.close()
        name = "{}:{}".format(*one.getsockname())
        queues = {s.labels["member"]: s.values[0] for s in samples if s.labels["listener"] == name}
        assert set(queues) == {str(os.fstat(each.fileno()).st_ino) for each in (one, two)}
        assert sum(queues.values()) == 20
        assert min(queues.values()) > 0
