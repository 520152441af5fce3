"""Connections that wait in the accept queue for a time that is known."""

from __future__ import annotations

import socket
import time

import pytest

from collectors.histograms import bounds
from collectors.probes.ebpf.accept_wait import WAIT, AcceptWait
from collectors.probes.ebpf.tally import LOST
from collectors.probes.net import reuseport
from collectors.probes.net.listeners import Listeners
from collectors.wire import Points
from tests.collectors.probes.ebpf.live import counting, histograms, own_service, total
from tests.collectors.probes.recorded import LIVE, host

pytestmark = pytest.mark.root(to="load eBPF programs")

# Accepts a little late, for each line that it reads, and tells between what times the connection was taken.
ACCEPTOR = """
import socket, sys, time
server = socket.create_server(("127.0.0.1", 0))
print(server.getsockname()[1], flush=True)
for line in sys.stdin:
    time.sleep(float(line))
    before = time.monotonic()
    server.accept()[0].close()
    print(before, time.monotonic(), flush=True)
"""


@pytest.fixture
def read():
    # Others on this host may accept what waited before.
    with counting(AcceptWait(), most_lost=20) as read:
        yield read


@pytest.mark.parametrize("wait_seconds", [0.0, 0.001, 0.01, 0.05])
def test_the_time_until_accept_is_told_by_listener_and_service(read, wait_seconds):
    with own_service("late-acceptor", ACCEPTOR) as process:
        port = int(process.stdout.readline())
        least = most = 0.0
        for _ in range(5):
            called = time.monotonic()
            with socket.create_connection(("127.0.0.1", port)):
                connected = time.monotonic()
                process.stdin.write(f"{wait_seconds}\n")
                process.stdin.flush()
                before, after = map(float, process.stdout.readline().split())
                least, most = least + before - connected, most + after - called
        samples = read()
    (found,) = histograms(samples, WAIT, listener=f"127.0.0.1:{port}")
    assert found.labels == {"listener": f"127.0.0.1:{port}", "service": "late-acceptor"}
    assert found.count == sum(found.buckets.values()) == 5
    assert max(least, 5 * wait_seconds) <= found.sum <= most
    lows, highs = zip(*(bounds(found.scheme, bucket) for bucket in found.buckets), strict=True)
    assert min(lows) <= most / 5
    assert max(highs) >= wait_seconds


def test_a_listener_on_all_addresses_goes_by_its_own_name(read):
    with socket.create_server(("0.0.0.0", 0)) as server:
        port = server.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)):
            server.accept()[0].close()
        samples = read()
    (found,) = histograms(samples, WAIT, listener=f"0.0.0.0:{port}")
    assert found.count == 1


def test_a_connection_over_ipv6_is_told(read):
    with socket.create_server(("::1", 0), family=socket.AF_INET6) as server:
        port = server.getsockname()[1]
        with socket.create_connection(("::1", port)):
            server.accept()[0].close()
        samples = read()
    assert histograms(samples, WAIT, listener=f"[::1]:{port}")[0].count == 1


def test_what_is_not_accepted_is_not_told(read):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)):
            samples = read()
    assert histograms(samples, WAIT, listener=f"127.0.0.1:{port}") == []


def test_what_waited_before_the_program_came_is_counted_as_lost():
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()):
        with counting(AcceptWait(), most_lost=20) as read:
            server.accept()[0].close()
            samples = read()
        name = "{}:{}".format(*server.getsockname())
    assert total(samples, LOST.name, probe="accept_wait") >= 1
    assert histograms(samples, WAIT, listener=name) == []


# Listens at the port that it is given, or at any, beside others; accepts as many as each line says.
MEMBER = """
import os, socket, sys
server = socket.create_server(("127.0.0.1", int(sys.argv[1])), reuse_port=True)
print(server.getsockname()[1], os.fstat(server.fileno()).st_ino, flush=True)
server.settimeout(0.5)
for _ in sys.stdin:
    taken = 0
    try:
        while True: server.accept()[0].close(); taken += 1
    except TimeoutError:
        print(taken, flush=True)
"""


def members_told(read, port: int) -> dict[str, tuple[float, str]]:
    """Accepts and process by member."""
    found = (s for s in read() if isinstance(s, Points) and s.metric == reuseport.ACCEPTS)
    return {
        s.labels["member"]: (s.values[0], s.labels.get("pid", ""))
        for s in found
        if s.labels["listener"] == f"127.0.0.1:{port}"
    }


def test_what_each_socket_of_one_address_accepted_is_told_and_what_one_did_not(read):
    with own_service("member", MEMBER, "0") as one:
        port, first = one.stdout.readline().split()
        with own_service("member", MEMBER, port) as two:
            _, second = two.stdout.readline().split()
            list(Listeners().collect(host(LIVE)))  # tells who is there
            clients = [socket.create_connection(("127.0.0.1", int(port))) for _ in range(30)]
            one.stdin.write("go\n")
            one.stdin.flush()
            taken = int(one.stdout.readline())
            told = members_told(read, int(port))
            for client in clients:
                client.close()
    assert 0 < taken < 30
    assert told[first] == (taken, str(one.pid))
    assert told[second][0] == 0
