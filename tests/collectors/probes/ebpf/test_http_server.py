"""Service times and answers of servers that are known, read from outside of them."""

from __future__ import annotations

import http.client
import os
import shutil
import socket
import subprocess
import threading
import time
from collections import Counter

import pytest

from collectors.probes.ebpf import http_server
from collectors.probes.ebpf.http_server import SERVICE_TIME, HttpServer
from collectors.wire import Histogram, Sample
from tests.collectors.probes.ebpf import http_servers
from tests.collectors.probes.ebpf.live import counting, histograms, own_service
from tests.conftest import SYSTEM_PATH

pytestmark = pytest.mark.root(to="load eBPF programs")

SERVE = "import runpy; import sys; sys.argv = ['', '{}']; runpy.run_path('{}', run_name='__main__')"


def seconds_of(client: http.client.HTTPConnection, paths: tuple[str, ...]) -> float:
    """How long these requests took, one after the other on one connection, which is closed then."""
    began = time.monotonic()
    for path in paths:
        client.request("GET", path)
        client.getresponse().read()
    elapsed = time.monotonic() - began
    client.close()
    return elapsed


def by_status(samples: list[Sample], port: int) -> dict[str, Histogram]:
    told = histograms(samples, SERVICE_TIME, listener=f"127.0.0.1:{port}")
    return {sample.labels["status_class"]: sample for sample in told}


@pytest.fixture
def read():
    with counting(HttpServer()) as read:
        yield read


def serve(address: str = "127.0.0.1"):
    return own_service("shop-front", SERVE.format(address, http_servers.__file__))


def test_times_and_answers_over_a_kept_connection_are_told(read):
    with serve() as process:
        port = int(process.stdout.readline())
        client = http.client.HTTPConnection("127.0.0.1", port)
        seen = Counter()
        for method, path in [
            ("GET", "/20/200"),
            ("POST", "/5/503"),
            ("GET", "/20/200"),
            ("DELETE", "/0/404"),
        ]:
            began = time.monotonic()
            client.request(method, path, body=b"GET is a word too" if method == "POST" else None)
            client.getresponse().read()
            seen[method] += time.monotonic() - began
        client.close()
        samples = read()
    found = {
        (sample.labels["method"], sample.labels["status_class"]): sample
        for sample in histograms(samples, SERVICE_TIME, listener=f"127.0.0.1:{port}", service="shop-front")
    }
    assert {key: sample.count for key, sample in found.items()} == {
        ("GET", "2xx"): 2,
        ("POST", "5xx"): 1,
        ("DELETE", "4xx"): 1,
    }
    assert 0.04 <= found["GET", "2xx"].sum <= seen["GET"]
    assert 0.005 <= found["POST", "5xx"].sum <= seen["POST"]
    assert found["DELETE", "4xx"].sum <= seen["DELETE"]


def talk(pieces: list[tuple[float, bytes]], answers: int, pause_seconds: float) -> str:
    """Send the pieces, each after its pause, to a server that answers in order; the listener's name."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=http_servers.answer_in_order, args=(server, pause_seconds))
        thread.start()
        with socket.create_connection(server.getsockname()) as client:
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for pause, piece in pieces:
                time.sleep(pause)
                client.send(piece)
            received = b""
            while received.count(b"\r\n\r\n") < answers:
                received += client.recv(4096)
        thread.join()
        return "{}:{}".format(*server.getsockname())


REQUEST = b"GET /some/thing HTTP/1.1\r\nHost: shop\r\n\r\n"


def test_a_request_that_comes_in_pieces_counts_once_and_from_its_first_byte(read):
    began = time.monotonic()
    name = talk([(0, b"GE"), (0.02, b"T / HTTP/1.1\r\n"), (0.02, b"Host: shop\r\n\r\n")], 1, 0.01)
    elapsed = time.monotonic() - began
    (found,) = histograms(read(), SERVICE_TIME, listener=name)
    assert (found.count, found.labels["status_class"], found.labels["method"]) == (1, "2xx", "unknown")
    assert 0.05 <= found.sum < elapsed


@pytest.mark.parametrize("method", [b"GET", b"DELETE"])
def test_a_request_whose_first_letter_was_read_by_itself_shows_its_method_and_route(read, method):
    """Go's server reads so the next request of a connection, when it comes early."""
    request = method + b" /v1/users HTTP/1.1\r\nHost: shop\r\n\r\n"
    name = talk([(0, request), (0.05, request[:1]), (0.02, request[1:])], 2, 0.01)
    (found,) = histograms(read(), SERVICE_TIME, listener=name)
    assert (found.count, found.labels["method"], found.labels["route"]) == (2, method.decode(), "/v1/users")
    assert found.sum >= 0.04


def test_requests_in_one_write_each_have_an_answer(read):
    name = talk([(0, 5 * REQUEST)], 5, 0.01)
    found = {sample.labels["method"]: sample for sample in histograms(read(), SERVICE_TIME, listener=name)}
    assert {method: sample.count for method, sample in found.items()} == {"GET": 1, "unknown": 4}
    assert found["unknown"].sum >= 0.02 + 0.03 + 0.04 + 0.05


def test_pipelined_requests_are_timed_from_when_each_was_read(read):
    began = time.monotonic()
    name = talk([(0, REQUEST), (0.005, REQUEST)], 2, 0.03)
    elapsed = time.monotonic() - began
    (found,) = histograms(read(), SERVICE_TIME, listener=name, route="/some/thing")
    assert found.count == 2
    # The second lies in the socket until the server reads again, which is no service time.
    assert 0.06 <= found.sum < elapsed + 0.001


def test_a_request_that_was_answered_while_the_probe_rested_is_forgotten(monkeypatch):
    monkeypatch.setattr(HttpServer, "EVENT_SECONDS", 1.0)
    probe = HttpServer()
    with counting(probe) as read, socket.create_server(("127.0.0.1", 0)) as server:
        name = "{}:{}".format(*server.getsockname())
        with socket.create_connection(server.getsockname()) as client:
            accepted, _ = server.accept()
            with accepted:
                for _ in range(2):
                    client.send(REQUEST)
                    accepted.recv(4096)
                    if histograms(read(), SERVICE_TIME, listener=name):
                        break
                    accepted.send(b"HTTP/1.1 200 OK\r\n\r\n")
                assert probe._source._links == []
                time.sleep(0.05)
                accepted.send(b"HTTP/1.1 200 OK\r\n\r\n")
                while not probe._source._links:
                    read()
                client.send(REQUEST)
                accepted.recv(4096)
                accepted.send(b"HTTP/1.1 404 Not Found\r\n\r\n")
        (found,) = histograms(read(), SERVICE_TIME, listener=name)
    assert (found.count, found.labels["status_class"]) == (1, "4xx")
    assert found.sum < 0.05


def ask(paths: list[str], status: str = "200 OK") -> str:
    """Ask for them one after the other on one connection; the listener's name."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=http_servers.answer_in_order, args=(server, 0.0, status))
        thread.start()
        with socket.create_connection(server.getsockname()) as client:
            for path in paths:
                client.send(f"GET {path} HTTP/1.1\r\nHost: shop\r\n\r\n".encode())
                client.recv(4096)
        thread.join()
        return "{}:{}".format(*server.getsockname())


def routes(samples: list[Sample], listener: str) -> Counter[str]:
    found: Counter[str] = Counter()
    for sample in histograms(samples, SERVICE_TIME, listener=listener):
        found[sample.labels["route"]] += sample.count
    return found


def test_paths_that_differ_in_what_they_name_are_one_route(read):
    paths = [
        *("/v1/users/17", "/v1/users/18?page=2", "/v2/users/2024-05-01", "/v1/users"),
        *("/o/9f86d081884c7d65", "/o/deadbeef-0042;v=1", "/mail/a@example.com", "/mail/b%40example.com"),
        *("/reset/Zm9vYmFyYmF6cXV4Zm9v1", "/reset/YWJjZGVmZ2hpamtsbW5vcA2"),
        *(f"/{'long/' * 12}one", f"/{'long/' * 12}two", "/", "/?q=/secret", "http://shop/v1/users"),
    ]
    name = ask(paths)
    assert routes(read(), name) == {
        "/v1/users/{number}": 2,
        "/v2/users/{number}": 1,
        "/v1/users": 2,
        "/o/{hex}": 2,
        "/mail/{email}": 2,
        "/reset/{token}": 2,
        "/" + "long/" * 12 + "…": 2,
        "/": 2,
    }


def test_of_more_routes_than_can_be_told_the_busiest_are_told(read):
    slugs = [f"/story/{letter}{other}" for letter in "abcdefghij" for other in "klmnopqrst"]
    name = ask([*slugs, "/cart", "/cart"])
    found = routes(read(), name)
    assert len(found) == http_server.MOST_ROUTES.most + 1
    assert found["/cart"] == 2
    assert found.total() == 102


def test_paths_that_nobody_serves_are_told_together_and_leave_room_for_those_that_are(read):
    """A scanner asks for more paths than the program has room for; the next interval knows the routes again."""
    with socket.create_server(("127.0.0.1", 0)):
        scanned = ask(
            [f"/{chr(97 + a)}{chr(97 + b)}/admin.php" for a in range(24) for b in range(25)], "404 Not Found"
        )
        during = ask(["/cart"])
        samples = read()
        after = ask(["/cart"])
        later = read()
    assert routes(samples, scanned) == {"other": 600}
    assert routes(samples, during) == {"other": 1}
    assert routes(later, after) == {"/cart": 1}


def test_what_is_no_http_is_not_told(read):
    with socket.create_server(("127.0.0.1", 0)) as server:
        name = "{}:{}".format(*server.getsockname())
        with socket.create_connection(server.getsockname()) as client:
            accepted, _ = server.accept()
            with accepted:
                for words in (b"*1\r\n$4\r\nPING\r\n", b"GET a key of mine\r\n", b"G"):
                    client.send(words)
                    accepted.recv(100)
                    accepted.send(b"+PONG and some more bytes\r\n")
    assert histograms(read(), SERVICE_TIME, listener=name) == []


@pytest.mark.program("nginx")
def test_nginx_is_seen_with_its_listener(read, tmp_path):
    nginx = shutil.which("nginx", path=SYSTEM_PATH)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    (tmp_path / "page").write_text("x" * 100_000)
    settings = tmp_path / "nginx.conf"
    settings.write_text(
        f"daemon off; master_process off; pid {tmp_path}/pid; error_log {tmp_path}/error; events {{}}\n"
        f"http {{ access_log off; sendfile on; root {tmp_path}; server {{ listen 127.0.0.1:{port}; }} }}\n"
    )
    process = subprocess.Popen([nginx, "-c", str(settings), "-p", str(tmp_path)], stderr=subprocess.DEVNULL)
    try:
        client = http.client.HTTPConnection("127.0.0.1", port)
        for _ in range(100):
            try:
                client.connect()
                break
            except ConnectionRefusedError:
                time.sleep(0.02)
        elapsed = seconds_of(client, ("/page", "/page", "/none"))
        samples = read()
    finally:
        process.kill()
        process.wait()
    found = by_status(samples, port)
    assert {status: sample.count for status, sample in found.items()} == {"2xx": 2, "4xx": 1}
    assert found["2xx"].sum < elapsed


GO = """
package main

import ("fmt"; "net"; "net/http"; "time")

func main() {
	listener, _ := net.Listen("tcp", "127.0.0.1:0")
	fmt.Println(listener.Addr().(*net.TCPAddr).Port)
	http.Serve(listener, http.HandlerFunc(func(answer http.ResponseWriter, asked *http.Request) {
		time.Sleep(20 * time.Millisecond)
		if asked.URL.Path == "/none" { answer.WriteHeader(404) }
		answer.Write(make([]byte, 5000))
	}))
}
"""


@pytest.mark.system
@pytest.mark.program("go")
def test_a_go_server_is_seen(read, tmp_path):
    """Its answers come from another thread than its reads may."""
    (tmp_path / "server.go").write_text(GO)
    subprocess.run(
        ["go", "build", "-o", "server", "server.go"],
        cwd=tmp_path,
        env={**os.environ, "GOCACHE": str(tmp_path / "cache"), "GO111MODULE": "off"},
        check=True,
    )
    process = subprocess.Popen([tmp_path / "server"], stdout=subprocess.PIPE, text=True)
    try:
        port = int(process.stdout.readline())
        client = http.client.HTTPConnection("127.0.0.1", port)
        elapsed = seconds_of(client, ("/", "/", "/none"))
        samples = read()
    finally:
        process.kill()
        process.wait()
    found = by_status(samples, port)
    assert {status: sample.count for status, sample in found.items()} == {"2xx": 2, "4xx": 1}
    assert 0.06 <= found["2xx"].sum + found["4xx"].sum <= elapsed
