"""Connections that wait in the accept queue for a time that is known."""

from __future__ import annotations

import socket
import time

import pytest

from collectors.histograms import bounds
from collectors.probes.ebpf.accept_wait import WAIT, AcceptWait
from collectors.probes.ebpf.tally import LOST
from tests.collectors.probes.ebpf.live import counting, histograms, own_service, total

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
