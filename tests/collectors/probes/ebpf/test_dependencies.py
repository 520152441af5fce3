"""Requests to servers that answer after a known time, as clients of several protocols send them."""

from __future__ import annotations

import socket
import struct
import threading
import time
from contextlib import contextmanager

import pytest

from collectors.probes.ebpf.dependencies import WAIT, Dependencies
from tests.collectors.probes.ebpf.live import counting, histograms, own_service

pytestmark = pytest.mark.root(to="load eBPF programs")

PAUSE_SECONDS = 0.02


def postgresql(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack(">I", 4 + len(body)) + body


def mysql(command: int, body: bytes) -> bytes:
    return struct.pack("<I", 1 + len(body))[:3] + b"\0" + bytes([command]) + body


REQUESTS = {
    "http": b"GET /stock HTTP/1.1\r\nHost: stock\r\n\r\n",
    "redis": b"*2\r\n$3\r\nGET\r\n$4\r\nitem\r\n",
    "postgresql": postgresql(b"Q", b"SELECT 1\0"),
    "mysql": mysql(3, b"SELECT 1"),
}


@pytest.fixture
def read():
    with counting(Dependencies()) as read:
        yield read


@contextmanager
def answering(pause_seconds: float):
    """A server that answers whatever it reads."""

    def answer() -> None:
        connection, _ = server.accept()
        with connection:
            while connection.recv(4096):
                time.sleep(pause_seconds)
                connection.send(b"an answer of some length")

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=answer)
        thread.start()
        with socket.create_connection(server.getsockname()) as client:
            yield client, "{}:{}".format(*server.getsockname())
        thread.join()


def ask(client: socket.socket, request: bytes, times: int) -> float:
    began = time.monotonic()
    for _ in range(times):
        client.send(request)
        client.recv(4096)
    return time.monotonic() - began


@pytest.mark.parametrize("protocol", REQUESTS)
def test_the_wait_for_an_answer_is_told_by_destination_and_protocol(read, protocol):
    with answering(PAUSE_SECONDS) as (client, name):
        elapsed = ask(client, REQUESTS[protocol], 3)
    (found,) = histograms(read(), WAIT, dst=name)
    assert found.labels["protocol"] == protocol
    assert found.labels.get("route") == ("/stock" if protocol == "http" else None)
    assert found.count == 3
    assert 3 * PAUSE_SECONDS <= found.sum <= elapsed


def test_requests_of_http_are_told_by_route(read):
    with answering(0) as (client, name):
        for path in (b"/items/17", b"/items/18?fields=price", b"/items"):
            ask(client, b"GET " + path + b" HTTP/1.1\r\nHost: stock\r\n\r\n", 1)
    found = {sample.labels["route"]: sample.count for sample in histograms(read(), WAIT, dst=name)}
    assert found == {"/items/{number}": 2, "/items": 1}


@pytest.mark.parametrize(
    "words",
    [b"hello there", b"*no", b"Q is no query", mysql(3, b"SELECT 1") + b"and more", b"\x17\x03\x03\0\x20tls"],
)
def test_what_is_none_of_these_protocols_is_not_told(read, words):
    with answering(0) as (client, name):
        ask(client, words, 2)
    assert histograms(read(), WAIT, dst=name) == []


def test_the_side_that_answers_is_no_client(read):
    """What a server writes may look like a request of another protocol."""
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.create_connection(server.getsockname()) as client,
    ):
        accepted, _ = server.accept()
        with accepted:
            accepted.send(REQUESTS["redis"])
            client.recv(4096)
            client.send(b"short answer")
            accepted.recv(4096)
        ends = {"{}:{}".format(*end) for end in (server.getsockname(), client.getsockname())}
    assert not ends & {sample.labels["dst"] for sample in histograms(read(), WAIT)}


ASKS = """
import socket, sys
client = socket.create_connection(("127.0.0.1", int(sys.stdin.readline())))
client.send(b"*1\\r\\n$4\\r\\nPING\\r\\n")
client.recv(100)
print("done", flush=True)
sys.stdin.read()
"""


def test_the_service_that_asked_is_named(read):
    with socket.create_server(("127.0.0.1", 0)) as server, own_service("basket", ASKS) as process:
        process.stdin.write(f"{server.getsockname()[1]}\n")
        process.stdin.flush()
        accepted, _ = server.accept()
        with accepted:
            accepted.recv(100)
            accepted.send(b"+PONG\r\n")
            assert process.stdout.readline() == "done\n"
        samples = read()
    (found,) = histograms(samples, WAIT, service="basket")
    assert (found.count, found.labels["protocol"]) == (1, "redis")
