"""Connections from networks that are known, and from more of them than there is room for."""

from __future__ import annotations

import socket
import struct

import pytest

from collectors.probes.ebpf import tally
from collectors.probes.ebpf.connection_sources import CONNECTIONS, MOST_PREFIXES, ConnectionSources
from collectors.wire import Sample
from tests.collectors.probes.ebpf.live import counting, total
from tests.collectors.probes.recorded import LIVE, host

pytestmark = pytest.mark.root(to="load eBPF programs")

# As in connection_sources.bpf.c.
MOST_CELLS = 8192


@pytest.fixture
def read():
    with counting(ConnectionSources()) as read:
        yield read


@pytest.fixture
def server():
    with socket.create_server(("127.0.0.1", 0), backlog=16) as server:
        yield server


def connect_from(server: socket.socket, address: str) -> None:
    """Any address of 127/8 is this host. Ended by a reset, which leaves no port in TIME_WAIT."""
    with socket.create_connection(server.getsockname(), source_address=(address, 0)) as client:
        server.accept()[0].close()
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def prefixes(samples: list[Sample], server: socket.socket) -> dict[str, float]:
    name = "{}:{}".format(*server.getsockname()[:2])
    return {
        sample.labels["prefix"]: sample.values[0]
        for sample in samples
        if sample.metric == CONNECTIONS and sample.labels["listener"] == name
    }


def test_connections_are_told_by_listener_and_network(read, server):
    for address in ("127.0.0.1", "127.0.0.200", "127.0.1.7", "127.9.8.7"):
        connect_from(server, address)
    assert prefixes(read(), server) == {"127.0.0.0/24": 2, "127.0.1.0/24": 1, "127.9.8.0/24": 1}


def test_networks_of_ipv6_are_told_by_site(read):
    with socket.create_server(("::1", 0), family=socket.AF_INET6) as server:
        with socket.create_connection(server.getsockname()[:2]):
            server.accept()[0].close()
        name = f"[::1]:{server.getsockname()[1]}"
        samples = read()
    assert total(samples, CONNECTIONS, listener=name, prefix="::/48") == 1


def test_a_client_over_ipv4_of_a_listener_for_both_is_told_by_ipv4(read):
    with socket.create_server(("::", 0), family=socket.AF_INET6, dualstack_ipv6=True) as server:
        port = server.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)):
            server.accept()[0].close()
        samples = read()
    assert total(samples, CONNECTIONS, listener=f"[::]:{port}", prefix="127.0.0.0/24") == 1


def test_of_many_networks_those_that_come_the_most_are_told(read, server):
    for number in range(60):
        connect_from(server, f"127.1.{number}.1")
    for _ in range(30):
        connect_from(server, "127.2.0.1")
    found = prefixes(read(), server)
    assert len(found) == MOST_PREFIXES.most + 1
    assert found["127.2.0.0/24"] == 30
    assert sum(found.values()) == 90


@pytest.mark.system
def test_more_networks_than_there_is_room_for_are_counted_as_lost_and_the_next_interval_goes_on(server):
    probe = ConnectionSources()
    with counting(probe, most_lost=10_000) as read:
        for number in range(MOST_CELLS + 500):
            connect_from(server, f"127.{number >> 8}.{number & 255}.1")
        samples = list(probe.collect(host(LIVE)))
        told = sum(prefixes(samples, server).values())
        lost = total(samples, tally.LOST.name, probe=probe.NAME)
        assert told + lost >= MOST_CELLS + 500
        assert lost >= 500
        connect_from(server, "127.200.0.1")
        later = read()
    assert prefixes(later, server) == {"127.200.0.0/24": 1}
    assert total(later, tally.LOST.name, probe=probe.NAME) == 0
