"""Connections of a dump: runs of messages laid out alike, mixed ones, and ones that are cut short."""

from __future__ import annotations

import os
import socket
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.kernel import connections, netlink, tcpinfo
from collectors.kernel.connections import Connection, endpoint, runs
from collectors.kernel.sockdiag import SockDiag
from collectors.kernel.tcpinfo import Measured

LOCAL = bytes([127, 0, 0, 1]) + bytes(12)
# What `message` says of each.
FIELDS = {
    tcpinfo.RTT: 20_000,
    tcpinfo.RETRANSMITS: 7,
    tcpinfo.MIN_RTT: 1_000,
    tcpinfo.SEGMENTS_IN: 5,
    tcpinfo.SEGMENTS_OUT: 6,
    tcpinfo.DELIVERY_RATE: 10**6,
    tcpinfo.BUSY: 9,
    tcpinfo.WINDOW_LIMITED: 8,
    tcpinfo.BUFFER_LIMITED: 7,
}


def attribute(kind: int, payload: bytes) -> bytes:
    return struct.pack("=HH", 4 + len(payload), kind) + payload + bytes(-len(payload) % 4)


def message(port: int, info_bytes: int = 232, state: int = 1, before: bytes = b"") -> bytes:
    """As inet_sk_diag_fill writes it (net/ipv4/inet_diag.c): inet_diag_msg, sk_meminfo, tcp_info."""
    body = struct.pack(
        "=BBBBHH16s16sIQIIIII",
        2,
        state,
        0,
        0,
        socket.htons(port),
        socket.htons(443),
        LOCAL,
        LOCAL,
        0,
        port,
        0,
        0,
        9,
        0,
        4711,
    )
    body += before
    if info_bytes:
        info = bytearray(info_bytes)
        struct.pack_into("=I", info, 68, 20_000)
        struct.pack_into("=I", info, 100, 7)
        struct.pack_into("=IIIQQQQ", info, 148, 1_000, 5, 6, 10**6, 9, 8, 7)
        body += attribute(7, struct.pack("=9I", 1, 2, 3, 4, 5, 6, 7, 8, 9)) + attribute(2, bytes(info))
    return netlink.HEADER.pack(16 + len(body), 18, 2, 1, 0) + body


def read(data: bytes) -> list[Connection]:
    """Every connection, whole."""
    return (
        [Connection(*row) for run in runs(bytearray(data), len(data)) for row in run.rows()] if data else []
    )


def test_a_message_of_the_kernel_is_understood():
    data = bytearray(message(8080))
    (run,) = runs(data, len(data))
    heads = run.heads()
    row = Connection._make(run.row(0))
    assert (heads.states, heads.cookies) == ((1,), (8080,))
    assert heads.queues != (0,)
    assert (row.port, row.send_queue, row.inode) == (socket.htons(8080), 9, 4711)
    assert (row.receive_memory, row.receive_limit, row.send_limit, row.send_memory) == (1, 2, 4, 6)
    measured = Measured(heads.measured)
    assert [list(measured.of(field)) for field in FIELDS] == [[value] for value in FIELDS.values()]


def test_messages_laid_out_alike_are_one_run():
    data = bytearray(b"".join(message(port) for port in range(1, 60)))
    (run,) = runs(data, len(data))
    assert run.heads().cookies == tuple(range(1, 60))
    assert Connection._make(run.row(58)).cookie == 59


@given(
    st.lists(
        st.sampled_from(
            [(232, 1, b""), (0, 6, b""), (0, 3, b""), (248, 1, b""), (232, 1, b"\x05\0\x08\0\0\0\0\0")]
        )
    )
)
def test_mixed_messages_are_read_in_their_order(kinds):
    parts = [message(port, *kind) for port, kind in enumerate(kinds, 1)]
    data = bytearray(b"".join(parts))
    assert [row.cookie for row in read(data)] == list(range(1, len(kinds) + 1))
    heads = [run.heads() for run in runs(data, len(data))]
    found = [end for head in heads if head for end in head.measured]
    assert list(Measured(found).of(tcpinfo.RTT)) == [20_000 for size, _, _ in kinds if size]


def test_the_shorter_tcp_info_of_an_old_kernel_is_enough_and_one_without_the_counters_is_left():
    """4.18 ends at tcpi_delivered_ce + 8 (include/uapi/linux/tcp.h); before 4.10 there are no limited times."""
    new = bytearray(message(1, info_bytes=200))
    old = bytearray(message(1, info_bytes=0, before=attribute(2, bytes(160))))
    assert [run.heads() is None for run in runs(new, len(new))] == [False]
    assert [run.heads() is None for run in runs(old, len(old))] == [True]


@given(st.integers(0, 4), st.integers(0, 500), st.binary(max_size=60))
def test_noise_and_messages_cut_short_never_fail(whole, cut, noise):
    data = message(1) * whole + message(2)[:cut] + noise
    for row in read(data):
        endpoint(2, row.address, row.port)


def test_names_are_those_of_the_address():
    assert endpoint(socket.AF_INET, LOCAL, 80) == "127.0.0.1:80"
    assert endpoint(socket.AF_INET6, bytes(15) + b"\1", 80) == "[::1]:80"
    assert endpoint(socket.AF_INET6, bytes(10) + b"\xff\xff\x0a\x01\x02\x03", 80) == "10.1.2.3:80"


@pytest.fixture
def pairs():
    with socket.create_server(("127.0.0.1", 0), backlog=200) as server:
        made = []
        for _ in range(150):
            client = socket.create_connection(server.getsockname())
            made.append((client, server.accept()[0]))
        yield server, made
        for client, accepted in made:
            client.close()
            accepted.close()


def test_every_live_connection_is_there_with_its_inode_and_its_traffic(pairs):
    server, made = pairs
    made[0][0].send(b"x" * 100)
    diag = SockDiag()
    try:
        port = socket.htons(server.getsockname()[1])
        found = {}
        for run in diag.connections():
            heads = run.heads()
            for index, end in enumerate(heads.measured if heads else ()):
                row = Connection._make(run.row(index))
                found[row.inode] = (row, end)
    finally:
        diag.close()
    for client, accepted in made:
        assert found[os.fstat(client.fileno()).st_ino][0].peer_port == port
        assert found[os.fstat(accepted.fileno()).st_ino][0].port == port
    sender, end = found[os.fstat(made[0][0].fileno()).st_ino]
    assert list(Measured([end]).of(tcpinfo.SEGMENTS_OUT)) == [1]
    assert found[os.fstat(made[0][1].fileno()).st_ino][0].receive_queue == 100
    assert sender.state == connections.ESTABLISHED
