"""Connections whose number, delay, errors and lifetimes are known."""

from __future__ import annotations

import errno
import socket
import threading
import time

import pytest

from collectors.kernel import netns
from collectors.probes.ebpf.tally import LOST, MOST_SERIES
from collectors.probes.ebpf.tcp_lifecycle import CONNECT, FAILURES, INCOMING, LIFETIME, TcpLifecycle
from collectors.wire import Sample
from tests.collectors.probes.ebpf.delayed_path import FAR, PORT
from tests.collectors.probes.ebpf.live import counting, delayed_path, histograms, total
from tests.collectors.probes.recorded import LIVE

pytestmark = pytest.mark.root(to="load eBPF programs")


@pytest.fixture
def read():
    with counting(TcpLifecycle()) as read:
        yield read


def test_connect_takes_one_round_trip(read):
    with delayed_path("--one-way-ms", "10", "--exchanges", "2") as (pid, talk):
        seen_seconds = talk()["connect_seconds"]
        samples = read()
        inode = str(netns.inode_of(LIVE, pid))
    (found,) = histograms(samples, CONNECT, dst=f"{FAR}:{PORT}", netns=inode)
    assert found.count == 1
    assert 0.02 <= found.sum <= seen_seconds


def test_refused_connections_are_counted_by_destination_and_error(read):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    for _ in range(3):
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port))
    samples = read()
    assert total(samples, FAILURES, dst=f"127.0.0.1:{port}", error="ECONNREFUSED") == 3
    assert histograms(samples, CONNECT, dst=f"127.0.0.1:{port}") == []


def test_lifetimes_are_told_by_listener_and_by_destination(read):
    with socket.create_server(("127.0.0.1", 0)) as server:
        name = "{}:{}".format(*server.getsockname())
        began = time.monotonic()
        client = socket.create_connection(server.getsockname())
        accepted, _ = server.accept()
        opened = time.monotonic()
        time.sleep(0.05)
        client.close()
        accepted.close()
        ended = time.monotonic()
        samples = read()
    for label in ("listener", "dst"):
        (found,) = histograms(samples, LIFETIME, **{label: name})
        assert found.count == 1
        assert 0.05 <= found.sum <= ended - began + 0.02
        assert found.sum >= ended - opened - 0.02


def test_every_connection_is_counted_once_however_often_the_cells_are_drained():
    """But for those that the kernel passes over, since the program ran on that CPU already: they are told as lost."""
    number = 3000

    def connect(address) -> None:
        for _ in range(number):
            with socket.create_connection(address) as client:
                # A reset on closing leaves no port in TIME_WAIT behind.
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")

    def accept(server) -> None:
        for _ in range(number):
            server.accept()[0].close()

    def counted() -> tuple[float, ...]:
        told = [(CONNECT, "dst"), (LIFETIME, "listener"), (LIFETIME, "dst")]
        sums = (sum(found.count for found in histograms(samples, m, **{side: name})) for m, side in told)
        return (total(samples, INCOMING, listener=name), *sums)

    samples: list[Sample] = []
    with (
        counting(TcpLifecycle(), most_lost=50) as read,
        socket.create_server(("127.0.0.1", 0), backlog=128) as server,
    ):
        name = "{}:{}".format(*server.getsockname())
        threads = [
            threading.Thread(target=connect, args=(server.getsockname(),)),
            threading.Thread(target=accept, args=(server,)),
        ]
        for thread in threads:
            thread.start()
        while any(thread.is_alive() for thread in threads):
            samples += read()
        # A reset may still be on its way when both ends have closed.
        deadline = time.monotonic() + 2
        while min(counted()) < number and time.monotonic() < deadline:
            samples += read()
    lost = total(samples, LOST.name)
    came_in, connected, ended_here, ended_there = counted()
    assert max(counted()) == number
    assert min(came_in, connected, ended_there) >= number - lost
    # Of an accepted connection that was reset while it closed, once in about 40,000 the kernel told no step after
    # FIN_WAIT1, nor a pass over (Linux 6.18): the counts of all steps, kept outside of the cells, agree on that.
    assert ended_here >= number - lost - 1
    assert len(histograms(samples, CONNECT, dst=name)) > 3


def test_more_destinations_than_there_is_room_for_are_counted_as_lost_and_the_next_interval_is_whole():
    """Each is a cell of its own; once drained there is room again."""
    room, destinations = 8192, 8192 + 500
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]

    def refused(number: int) -> None:
        for at in range(number):
            with socket.socket() as client:
                assert client.connect_ex((f"127.1.{at >> 8}.{at & 255}", port)) == errno.ECONNREFUSED

    with counting(TcpLifecycle(), most_lost=destinations) as read:
        refused(destinations)
        first = read()
        refused(300)
        second = read()
    # Others may fail to connect on this host as well.
    counted, lost = total(first, FAILURES, error="ECONNREFUSED"), total(first, LOST.name)
    assert counted >= room - 500
    assert lost >= destinations - room
    assert counted + lost >= destinations
    assert total(first, FAILURES, dst="other", error="ECONNREFUSED") >= room - 500 - MOST_SERIES
    assert total(second, FAILURES, error="ECONNREFUSED") >= 300
    assert total(second, LOST.name) == 0


@pytest.mark.system
def test_of_fifty_thousand_ports_each_connection_is_told_or_counted_as_lost():
    ports = range(10_000, 60_000)
    with counting(TcpLifecycle(), most_lost=10**6) as read:
        opened = 0
        for port in ports:
            try:
                server = socket.create_server(("127.7.7.7", port), backlog=1)
            except OSError:  # somebody has it
                continue
            with server, socket.create_connection(("127.7.7.7", port)) as client:
                opened += 1
                # A reset on closing leaves no port in TIME_WAIT behind.
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        samples = read()
        with socket.create_server(("127.0.0.1", 0)) as server:
            name = "{}:{}".format(*server.getsockname())
            with socket.create_connection(server.getsockname()):
                server.accept()[0].close()
            later = read()
    assert opened > 45_000
    assert len(samples) < 4 * (MOST_SERIES + 1) + 10
    assert total(samples, INCOMING) + total(samples, LOST.name) >= opened
    assert total(samples, INCOMING) > 1000
    assert total(later, INCOMING, listener=name) == 1
