"""Runs of handlers are those that /proc/softirqs counts."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from collectors.probes.ebpf.softirq_time import TIME, VECTORS, SoftirqTime
from tests.collectors.probes.ebpf.live import counting, histograms

pytestmark = pytest.mark.root(to="load eBPF programs")


def runs() -> dict[str, int]:
    """Of all CPUs, by vector."""
    lines = (line.split() for line in Path("/proc/softirqs").read_text().splitlines()[1:])
    return {name.rstrip(":"): sum(map(int, counts)) for name, *counts in lines}


def send_over_loopback(packets: int) -> None:
    with socket.socket(type=socket.SOCK_DGRAM) as receiver, socket.socket(type=socket.SOCK_DGRAM) as sender:
        receiver.bind(("127.0.0.1", 0))
        for _ in range(packets):
            sender.sendto(b"x", receiver.getsockname())
            receiver.recv(1)


def test_each_run_of_a_handler_is_told_with_its_time():
    outside = runs()
    with counting(SoftirqTime()) as read:
        inside = runs()
        send_over_loopback(300)
        end_inside = runs()
        samples = read()
        end_outside = runs()
    (found,) = histograms(samples, TIME, vector="NET_RX")
    assert 300 <= end_inside["NET_RX"] - inside["NET_RX"] <= found.count
    assert found.count <= end_outside["NET_RX"] - outside["NET_RX"]
    assert sum(found.buckets.values()) == found.count
    assert 0.2e-6 < found.sum / found.count < 0.01


def test_vectors_are_named_as_the_kernel_names_them():
    assert tuple(runs()) == VECTORS


def test_on_a_busy_host_it_detaches_after_an_interval(monkeypatch):
    monkeypatch.setattr(SoftirqTime, "EVENT_SECONDS", 0.01)
    probe = SoftirqTime()
    with counting(probe) as read:
        send_over_loopback(300)
        assert histograms(read(), TIME, vector="NET_RX")
        assert probe._source._links == []
        send_over_loopback(300)
        assert histograms(read(), TIME) == []
