"""Packets that are dropped for a reason that the test makes."""

from __future__ import annotations

import socket

import pytest

from collectors.probes.ebpf.packet_drops import DROPS, PacketDrops, parse_reasons
from tests.collectors.probes.ebpf.live import counting, total

FORMAT = """name: kfree_skb
print fmt: "skbaddr=%p reason: %s", REC->skbaddr, __print_symbolic(REC->reason, { 1, "CONSUMED" }, { 3, "NO_SOCKET" })
"""
DATAGRAMS = 25


def test_names_of_reasons_are_those_of_the_running_kernel():
    assert parse_reasons(FORMAT) == {1: "CONSUMED", 3: "NO_SOCKET"}


@pytest.mark.root(to="load eBPF programs")
def test_datagrams_to_nobody_and_to_a_full_socket_are_told_apart():
    with counting(PacketDrops()) as read, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as nobody:
        nobody.bind(("127.0.0.1", 0))
        address = nobody.getsockname()
        nobody.close()
        with (
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender,
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as full,
        ):
            for _ in range(DATAGRAMS):
                sender.sendto(b"x", address)
            to_nobody = read()
            full.bind(("127.0.0.1", 0))
            full.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
            for _ in range(DATAGRAMS):
                sender.sendto(b"x" * 1000, full.getsockname())
            full.setblocking(False)
            kept = 0
            while True:
                try:
                    full.recv(2000)
                except BlockingIOError:
                    break
                kept += 1
            to_full = read()
    assert total(to_nobody, DROPS, reason="NO_SOCKET") >= DATAGRAMS
    assert total(to_nobody, DROPS, reason="SOCKET_RCVBUFF") == 0
    assert 0 < kept < DATAGRAMS
    assert total(to_full, DROPS, reason="SOCKET_RCVBUFF") == DATAGRAMS - kept
