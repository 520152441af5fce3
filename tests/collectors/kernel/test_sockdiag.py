"""inet_diag against real sockets: names, queues, limits, drops; and messages that are cut short."""

from __future__ import annotations

import os
import resource
import socket
import time
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.kernel import netlink, sockdiag
from collectors.kernel.sockdiag import Listener, SockDiag

# One answer to a dump request: header, inet_diag_msg of 127.0.0.1:8080, attribute SKMEMINFO with 285 drops.
BODY = sockdiag._MESSAGE.pack(
    2,
    10,
    0,
    0,
    socket.htons(8080),
    0,
    bytes([127, 0, 0, 1]) + bytes(12),
    bytes(16),
    0,
    bytes(8),
    0,
    9,
    8,
    0,
    4711,
)
SKMEM = netlink._ATTRIBUTE.pack(40, 7) + bytes(32) + (285).to_bytes(4, "little")
MESSAGE = netlink.HEADER.pack(16 + len(BODY) + len(SKMEM), 20, 2, 1, 0) + BODY + SKMEM


def find(port: int) -> Listener | None:
    diag = SockDiag()
    try:
        return next((at for at in diag.listeners() if at.port == port), None)
    finally:
        diag.close()


def test_a_full_accept_queue_reads_one_above_its_limit_and_its_drops_rise():
    with socket.create_server(("127.0.0.1", 0), backlog=4) as server:
        address = server.getsockname()
        clients = []
        try:
            for _ in range(5):
                clients.append(socket.create_connection(address, timeout=5))
            full = find(address[1])
            assert (full.queued, full.limit, full.drops) == (5, 4, 0)
            assert full.inode == os.fstat(server.fileno()).st_ino
            for _ in range(3):
                clients.append(socket.socket())
                clients[-1].setblocking(False)
                clients[-1].connect_ex(address)
            time.sleep(0.1)
            assert find(address[1]).drops >= 3
        finally:
            for client in clients:
                client.close()


def test_an_emptied_queue_reads_zero_again():
    with socket.create_server(("127.0.0.1", 0), backlog=4) as server:
        port = server.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)):
            assert find(port).queued == 1
            server.accept()[0].close()
            assert find(port).queued == 0


def test_names_are_those_of_the_address_in_brackets_for_ipv6():
    with socket.create_server(("::1", 0), family=socket.AF_INET6) as six:
        port = six.getsockname()[1]
        assert find(port).name == f"[::1]:{port}"
    with socket.create_server(("0.0.0.0", 0)) as four:
        port = four.getsockname()[1]
        assert find(port).name == f"0.0.0.0:{port}"


def test_a_closed_listener_is_gone():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    assert find(port) is None


@pytest.fixture
def many_descriptors() -> Iterator[None]:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(8192, before[1]), before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


@pytest.mark.usefixtures("many_descriptors")
def test_a_thousand_sockets_are_read_in_a_few_milliseconds():
    servers = [socket.create_server(("127.0.0.1", 0), backlog=7) for _ in range(900)]
    clients = [socket.create_connection(server.getsockname()) for server in servers[:100]]
    diag = SockDiag()
    try:
        began = time.process_time()
        found = {at.inode: at for at in diag.listeners()}
        seconds = time.process_time() - began
        mine = [found[os.fstat(server.fileno()).st_ino] for server in servers]
        assert [at.queued for at in mine] == [1] * 100 + [0] * 800
        assert {at.limit for at in mine} == {7}
        assert seconds < 0.1
    finally:
        diag.close()
        for opened in (*clients, *servers):
            opened.close()


def test_one_socket_serves_many_dumps():
    diag = SockDiag()
    try:
        with socket.create_server(("127.0.0.1", 0)) as server:
            for _ in range(50):
                assert sum(at.port == server.getsockname()[1] for at in diag.listeners()) == 1
    finally:
        diag.close()


def test_a_recorded_message_gives_its_listener():
    ((kind, start, end),) = netlink.messages(MESSAGE, len(MESSAGE), 1)
    listener = sockdiag.parse_listener(MESSAGE, start, end)
    assert kind == 20
    assert (listener.name, listener.queued, listener.limit) == ("127.0.0.1:8080", 9, 8)
    assert (listener.drops, listener.inode) == (285, 4711)


def test_answers_to_an_earlier_request_are_skipped():
    assert list(netlink.messages(MESSAGE, len(MESSAGE), 2)) == []


@given(st.integers(0, len(MESSAGE)))
def test_a_message_cut_short_yields_no_listener_or_one_without_drops(cut):
    for _, start, end in netlink.messages(MESSAGE[:cut], cut, 1):
        assert sockdiag.parse_listener(MESSAGE[:cut], start, end) is not None
    short = sockdiag.parse_listener(MESSAGE, 16, cut)
    assert short is None or short.drops in (None, 285)


@given(st.binary(max_size=400))
def test_noise_never_fails(noise):
    for _, start, end in netlink.messages(noise, len(noise), int.from_bytes(noise[8:12], "little")):
        sockdiag.parse_listener(noise, start, end)
        sockdiag.parse_udp(noise, start, end)
