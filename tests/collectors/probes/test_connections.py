"""Connections by listener and destination, sockets left in CLOSE_WAIT, UDP sockets that drop: all real."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress

import pytest

from collectors.kernel import netns
from collectors.probes.net import connections
from collectors.probes.net.connections import Connections
from collectors.probes.net.namespaces import Namespaces
from collectors.probes.net.udp import Udp
from collectors.wire import Points
from tests.collectors.kernel.test_procfs import child
from tests.collectors.probes.recorded import LIVE, host
from tests.collectors.sandbox import listener_in_a_namespace


def told(probe, **labels: str) -> dict[tuple[str, str], float]:
    """Value by metric and state of the series with these labels."""
    samples = [sample for sample in probe.collect(host(LIVE)) if isinstance(sample, Points)]
    chosen = [s for s in samples if labels.items() <= s.labels.items()]
    found = {(s.metric, s.labels.get("state", "")): s.values[0] for s in chosen}
    assert len(found) == len(chosen)
    return found


@contextmanager
def connected(number: int) -> Iterator[tuple[str, list[socket.socket], list[socket.socket]]]:
    """The listener's name, clients and accepted sockets."""
    with ExitStack() as stack:
        server = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=number))
        clients, accepted = [], []
        for _ in range(number):
            clients.append(stack.enter_context(socket.create_connection(server.getsockname())))
            accepted.append(stack.enter_context(server.accept()[0]))
        yield f"127.0.0.1:{server.getsockname()[1]}", clients, accepted


def test_each_connection_counts_for_its_listener_and_for_its_destination():
    with connected(7) as (name, _, _):
        probe = Connections()
        assert told(probe, listener=name)["tcp_connections", "established"] == 7
        assert told(probe, dst=name)["tcp_connections", "established"] == 7


def test_connections_that_the_client_closed_first_are_its_time_waits():
    with connected(5) as (name, clients, accepted):
        for client, server in zip(clients, accepted, strict=True):
            client.close()
            server.close()
        probe = Connections()
        assert told(probe, dst=name)["tcp_destination_time_wait", ""] == 5
        assert ("tcp_connections", "established") not in told(probe, dst=name)
        assert told(probe, state="time_wait")["tcp_connection_states", "time_wait"] >= 5


@pytest.mark.parametrize("apart", [True, False])
def test_time_waits_are_told_the_same_apart_from_the_others_and_among_them(apart, monkeypatch):
    monkeypatch.setattr(connections, "MOST_TOGETHER", -1 if apart else 10**6)
    with connected(6) as (name, clients, accepted):
        for client, server in zip(clients[:4], accepted[:4], strict=True):
            client.close()
            server.close()
        probe = Connections()
        for _ in range(3):
            found = told(probe, dst=name)
            assert found["tcp_destination_time_wait", ""] == 4
            assert found["tcp_connections", "established"] == 2
            assert probe._table._apart == apart


def test_counters_hold_what_moved_since_the_last_pass_and_gauges_the_active_ones_only():
    with connected(3) as (name, clients, accepted):
        probe = Connections()
        told(probe, dst=name)
        assert told(probe, dst=name)["tcp_active_connections", ""] == 0
        for _ in range(4):
            clients[0].send(b"x" * 100)
            accepted[0].recv(100)
        found = told(probe, dst=name)
        assert found["tcp_active_connections", ""] == 1
        assert found["tcp_sent_segments_total", ""] == 4
        assert found["tcp_retransmits_total", ""] == 0
        assert 0 < found["tcp_min_rtt_seconds", ""] <= found["tcp_rtt_highest_seconds", ""] < 1
        assert told(probe, dst=name)["tcp_sent_segments_total", ""] == 0


def test_a_connection_opened_between_passes_counts_from_its_beginning():
    with connected(1) as (name, clients, _):
        probe = Connections()
        list(probe.collect(host(LIVE)))
        with socket.create_connection(clients[0].getpeername()) as late:
            late.send(b"x")
            assert told(probe, dst=name)["tcp_sent_segments_total", ""] == 1


def test_a_reader_that_does_not_read_shows_in_the_queues_of_both_ends():
    with connected(1) as (name, clients, _):
        clients[0].setblocking(False)
        with suppress(BlockingIOError):
            while clients[0].send(bytes(1 << 16)):
                pass
        probe = Connections()
        assert told(probe, listener=name)["tcp_receive_queue_bytes", ""] > 10_000
        assert told(probe, listener=name)["tcp_receive_buffer_used_ratio", ""] > 0.3
        assert told(probe, dst=name)["tcp_send_queue_bytes", ""] > 10_000
        assert told(probe, dst=name)["tcp_send_buffer_used_ratio", ""] > 0.3


def test_a_crowd_of_destinations_is_bounded_and_nothing_is_lost(monkeypatch):
    monkeypatch.setattr(connections, "MOST_DESTINATIONS", 2)
    with connected(9) as one, connected(8) as two, connected(3) as three, connected(2) as four:
        samples = [s for s in Connections().collect(host(LIVE)) if isinstance(s, Points)]
    named = {
        s.labels["dst"]: s.values[0] for s in samples if s.metric == "tcp_connections" and "dst" in s.labels
    }
    assert len({name for name in named if name != "other"}) <= 2
    total = sum(
        s.values[0] for s in samples if s.metric == "tcp_connections" and s.labels["state"] == "established"
    )
    states = {s.labels["state"]: s.values[0] for s in samples if s.metric == "tcp_connection_states"}
    assert total == states["established"] >= 44
    assert {one[0], two[0], three[0], four[0]} - named.keys()


LEAK = """
import socket
server = socket.create_server(("127.0.0.1", 0))
pairs = [(socket.create_connection(server.getsockname()), server.accept()[0]) for _ in range(6)]
for client, _ in pairs: client.close()
"""


def test_sockets_that_a_process_leaves_in_close_wait_are_told_with_their_age():
    with child(LEAK) as leaking:
        probe = Connections()
        list(probe.collect(host(LIVE)))
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            found = told(probe, pid=str(leaking.pid))
            if found:
                break
            time.sleep(0.1)
    assert found["tcp_close_wait", ""] == 6
    assert 0 < found["tcp_close_wait_oldest_seconds", ""] < 30


def test_a_udp_socket_that_drops_is_told_with_what_it_dropped():
    with (
        socket.socket(type=socket.SOCK_DGRAM) as receiver,
        socket.socket(type=socket.SOCK_DGRAM) as sender,
    ):
        receiver.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        receiver.bind(("127.0.0.1", 0))
        name = f"127.0.0.1:{receiver.getsockname()[1]}"
        probe = Udp()
        assert told(probe, listener=name) == {}
        for _ in range(100):
            sender.sendto(bytes(1000), receiver.getsockname())
        found = told(probe, listener=name)
        assert found["udp_socket_drops_total", ""] > 80
        assert found["udp_socket_receive_queue_bytes", ""] >= 1000
        assert found["udp_socket_receive_buffer_used_ratio", ""] > 0.4
        assert told(probe, listener=name)["udp_socket_drops_total", ""] == 0


@pytest.mark.root(to="make a network namespace")
def test_connections_inside_a_container_carry_its_namespace():
    with listener_in_a_namespace() as (pid, port):
        inode = str(netns.inode_of(LIVE, pid))
        found = told(Namespaces(), netns=inode, listener=f"127.0.0.1:{port}")
    assert found["tcp_connections", "established"] == 2
    assert os.getpid() != pid
