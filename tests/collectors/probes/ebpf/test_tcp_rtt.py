"""Round-trip times over a path whose delay is known, from both of its ends."""

from __future__ import annotations

import socket

import pytest

from collectors.histograms import bounds
from collectors.kernel import netns
from collectors.probes.ebpf.tcp_rtt import DESTINATION_RTT, RTT, TcpRtt
from tests.collectors.probes.ebpf.delayed_path import FAR, PORT
from tests.collectors.probes.ebpf.live import counting, delayed_path, histograms
from tests.collectors.probes.recorded import LIVE

pytestmark = pytest.mark.root(to="load eBPF programs")

ONE_WAY_SECONDS = 0.01


@pytest.fixture(scope="module")
def told():
    with counting(TcpRtt()) as read, delayed_path("--one-way-ms", str(ONE_WAY_SECONDS * 1000)) as (pid, talk):
        slowest_seconds = talk()["slowest_seconds"]
        inode = str(netns.inode_of(LIVE, pid))
        return slowest_seconds, [sample for sample in read() if sample.labels.get("netns") == inode]


@pytest.mark.parametrize(
    ("metric", "labels"), [(RTT, {"port": str(PORT)}), (DESTINATION_RTT, {"dst": f"{FAR}:{PORT}"})]
)
def test_a_delay_on_the_way_is_told_by_port_and_by_destination(told, metric, labels):
    slowest_seconds, samples = told
    (found,) = histograms(samples, metric, **labels)
    assert 2 * ONE_WAY_SECONDS <= found.sum / found.count <= slowest_seconds * 1.1
    middle = sorted(b for bucket, events in found.buckets.items() for b in [bucket] * events)[
        found.count // 2
    ]
    low, high = bounds(found.scheme, middle)
    assert low <= slowest_seconds * 1.1
    assert high >= 2 * ONE_WAY_SECONDS
    assert found.count == sum(found.buckets.values()) >= 3


def test_segments_that_are_drawn_stand_for_all():
    """Of 8,000 some thousand are drawn: five standard deviations are 15 percent."""
    times = 8000
    with (
        counting(TcpRtt()) as read,
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.create_connection(server.getsockname()) as client,
    ):
        accepted, _ = server.accept()
        with accepted:
            for _ in range(times):
                client.send(b"x")
                accepted.recv(1)
        port = str(server.getsockname()[1])
        (found,) = histograms(read(), RTT, port=port)
    assert 0.8 * times < found.count < 1.2 * times
