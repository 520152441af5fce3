"""Losses that the test makes, against the kernel's own count of what it sent again."""

from __future__ import annotations

import ctypes
import socket
import struct
import time
from pathlib import Path

import pytest

from collectors.kernel import netns
from collectors.probes.ebpf.tcp_retransmits import RETRANSMITS, TcpRetransmits
from tests.collectors.probes.ebpf.delayed_path import FAR, PORT
from tests.collectors.probes.ebpf.live import counting, delayed_path, total
from tests.collectors.probes.recorded import LIVE

pytestmark = pytest.mark.root(to="load eBPF programs")

SO_ATTACH_FILTER = 26
# Classic BPF over the TCP header: pass what has SYN set, drop all else.
ONLY_SYN = ((0x30, 0, 0, 13), (0x54, 0, 0, 2), (0x15, 1, 0, 0), (6, 0, 0, 0xFFFF), (6, 0, 0, 0))
FIRST_TIMEOUT_SECONDS = 1.0


@pytest.fixture
def read():
    with counting(TcpRetransmits()) as read:
        yield read


def sent_again(pid: int) -> int:
    """RetransSegs of a process's network namespace."""
    names, values = [
        line.split()
        for line in Path(f"/proc/{pid}/net/snmp").read_text().splitlines()
        if line.startswith("Tcp:")
    ]
    return int(values[names.index("RetransSegs")])


def test_lost_data_is_counted_by_destination_and_by_peer(read):
    with delayed_path("--one-way-ms", "1", "--drop-every", "7") as (pid, talk):
        dropped, inode = talk()["dropped"], str(netns.inode_of(LIVE, pid))
        outgoing = incoming = 0.0
        deadline = time.monotonic() + 2
        # The end of the connection may be lost as well, and be sent again while we look.
        while outgoing + incoming != (truth := sent_again(pid)) and time.monotonic() < deadline:
            samples = read()
            outgoing += total(samples, RETRANSMITS, netns=inode, dst=f"{FAR}:{PORT}", segment="data")
            incoming += total(samples, RETRANSMITS, netns=inode, port=str(PORT), peer=FAR, segment="data")
    assert outgoing + incoming == truth >= 5
    assert outgoing >= dropped["requests"]
    assert incoming >= dropped["answers"]


def attach(server: socket.socket, program: tuple[tuple[int, int, int, int], ...]) -> None:
    code = ctypes.create_string_buffer(b"".join(struct.pack("<HBBI", *line) for line in program))
    server.setsockopt(
        socket.SOL_SOCKET, SO_ATTACH_FILTER, struct.pack("HxxxxxxQ", len(program), ctypes.addressof(code))
    )


def test_handshakes_that_have_to_be_repeated_are_told_from_data(read):
    with (
        socket.create_server(("127.0.0.1", 0), backlog=0) as full,
        socket.create_connection(full.getsockname()),
        socket.create_server(("127.0.0.1", 0)) as deaf,
        socket.socket() as unanswered,
    ):
        attach(deaf, ONLY_SYN)
        unanswered.setblocking(False)
        unanswered.connect_ex(full.getsockname())
        with socket.create_connection(deaf.getsockname()):
            time.sleep(FIRST_TIMEOUT_SECONDS + 0.15)
            samples = read()
        full_name, deaf_port = "{}:{}".format(*full.getsockname()), str(deaf.getsockname()[1])
    assert (
        total(samples, RETRANSMITS, dst=full_name)
        == total(samples, RETRANSMITS, dst=full_name, segment="syn")
        == 1
    )
    assert total(samples, RETRANSMITS, port=deaf_port, peer="127.0.0.1", segment="syn-ack") == 1
