"""Handshakes of known versions, offers and sessions, read from outside of their servers."""

from __future__ import annotations

import shutil
import socket
import ssl
import subprocess
import time
from collections import Counter
from contextlib import contextmanager

import pytest

from collectors.probes.ebpf.tls_handshakes import FAILURES, HANDSHAKES, TIME, TlsHandshakes
from collectors.wire import Sample
from tests.collectors.probes.ebpf import tls_peers
from tests.collectors.probes.ebpf.live import counting, histograms, total
from tests.collectors.probes.ebpf.tls_peers import client_context, in_bulk, record_by_record, visit
from tests.conftest import SYSTEM_PATH

pytestmark = [pytest.mark.root(to="load eBPF programs"), pytest.mark.program("openssl")]

TLS_1_2, TLS_1_3 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3
NAMES = {TLS_1_2: "1.2", TLS_1_3: "1.3"}


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    return tls_peers.make_certificate(tmp_path_factory.mktemp("certificate"))


@pytest.fixture
def secured(certificate):
    return tls_peers.server_context(certificate)


@pytest.fixture
def read():
    with counting(TlsHandshakes()) as read:
        yield read


def answered(samples: list[Sample], port: int) -> Counter[tuple[str, str, str]]:
    """By version, offer and whether it was resumed."""
    found: Counter[tuple[str, str, str]] = Counter()
    for sample in samples:
        if sample.metric == HANDSHAKES and sample.labels["listener"] == f"127.0.0.1:{port}":
            labels = sample.labels
            found[labels["version"], labels["alpn"], labels["resumed"]] += int(sample.values[0])
    return found


@pytest.mark.parametrize("serve", [record_by_record, in_bulk])
@pytest.mark.parametrize("version", [TLS_1_2, TLS_1_3], ids=NAMES.get)
def test_versions_offers_and_resumed_sessions_are_told(read, secured, serve, version):
    with serve(secured) as port:
        for offers in ((), ("h2", "http/1.1"), ("http/1.1",), ("acme-tls/1",)):
            visit(port, client_context(version, offers))
        context = client_context(version, ("http/1.1",))
        session, _ = visit(port, context)
        truly = visit(port, context, session)[1]
        samples = read()
    name = NAMES[version]
    assert truly
    assert answered(samples, port) == {
        (name, "none", "no"): 1,
        (name, "h2", "no"): 1,
        (name, "http/1.1", "no"): 2,
        (name, "other", "no"): 1,
        (name, "http/1.1", "yes"): 1,
    }
    completed = histograms(samples, TIME, listener=f"127.0.0.1:{port}", version=name)
    assert {sample.labels["resumed"]: sample.count for sample in completed} == {"no": 5, "yes": 1}


@pytest.mark.parametrize("serve", [record_by_record, in_bulk])
@pytest.mark.parametrize("version", [TLS_1_2, TLS_1_3], ids=NAMES.get)
def test_the_time_ends_with_the_first_application_data(read, secured, serve, version):
    """A client that has shaken hands and waits before it asks is waited for."""
    with serve(secured) as port, socket.create_connection(("127.0.0.1", port)) as plain:
        began = time.monotonic()
        with client_context(version).wrap_socket(plain) as client:
            time.sleep(0.05)
            assert histograms(read(), TIME, listener=f"127.0.0.1:{port}") == []
            client.sendall(tls_peers.REQUEST)
            client.recv(4096)
            elapsed = time.monotonic() - began
            (found,) = histograms(read(), TIME, listener=f"127.0.0.1:{port}")
    assert found.count == 1
    assert 0.05 <= found.sum <= elapsed


def test_a_server_that_asks_for_another_hello_is_told_once(read, secured):
    """Its curve is not the one for which the client sent a key."""
    secured.set_ecdh_curve("secp521r1")
    with record_by_record(secured) as port:
        visit(port, client_context(TLS_1_3))
        samples = read()
    assert answered(samples, port) == {("1.3", "none", "no"): 1}
    assert [sample.count for sample in histograms(samples, TIME, listener=f"127.0.0.1:{port}")] == [1]


def test_a_handshake_that_the_server_refuses_is_told_with_its_alert(read, secured):
    secured.minimum_version = TLS_1_3
    with record_by_record(secured) as port:
        with pytest.raises(ssl.SSLError):
            visit(port, client_context(TLS_1_2))
        samples = read()
    assert total(samples, FAILURES, listener=f"127.0.0.1:{port}", alert="protocol_version") == 1
    assert answered(samples, port) == {}


def test_a_client_that_does_not_go_on_is_answered_and_not_completed(read, secured):
    with record_by_record(secured) as port:
        with socket.create_connection(("127.0.0.1", port)) as plain:
            plain.sendall(tls_peers.hello_of(client_context(TLS_1_3)))
            plain.recv(4096)
        samples = read()
    assert answered(samples, port) == {("1.3", "none", "no"): 1}
    assert histograms(samples, TIME, listener=f"127.0.0.1:{port}") == []


def test_a_hello_that_comes_in_pieces_counts_and_its_offer_is_unknown(read, secured):
    hello = tls_peers.hello_of(client_context(TLS_1_3, ("h2",)))
    with in_bulk(secured) as port:
        with socket.create_connection(("127.0.0.1", port)) as plain:
            for piece in (hello[:60], hello[60:]):
                plain.sendall(piece)
                time.sleep(0.02)
            plain.recv(4096)
        samples = read()
    assert answered(samples, port) == {("1.3", "unknown", "no"): 1}


@pytest.mark.parametrize(
    "words",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        b"\x16\x03\x01",
        b"\x16\x03\x01\xff\xff\x01" + b"\xff" * 600,
        b"\x16\x03\x01\0\0" * 20,
    ],
)
def test_what_is_no_handshake_is_not_told(read, words):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)) as client:
            accepted, _ = server.accept()
            with accepted:
                for _ in range(2):
                    client.send(words)
                    accepted.recv(4096)
                    accepted.send(words)
        samples = read()
    assert answered(samples, port) == {}
    assert histograms(samples, TIME, listener=f"127.0.0.1:{port}") == []


NGINX = """
daemon off; master_process off; pid {folder}/pid; error_log {folder}/error; events {{}}
http {{
  access_log off; ssl_protocols TLSv1.2 TLSv1.3; ssl_certificate {pem}; ssl_certificate_key {pem};
  server {{ listen 127.0.0.1:{tickets} ssl; ssl_session_tickets on; return 204; }}
  server {{ listen 127.0.0.1:{cache} ssl; ssl_session_tickets off; ssl_session_cache shared:s:1m; return 204; }}
  server {{ listen 127.0.0.1:{nothing} ssl; ssl_session_tickets off; ssl_session_cache off; return 204; }}
}}
"""


@contextmanager
def nginx(folder, certificate):
    """Its ports by how it remembers sessions."""
    free = [socket.create_server(("127.0.0.1", 0)) for _ in range(3)]
    ports = dict(zip(("tickets", "cache", "nothing"), (each.getsockname()[1] for each in free), strict=True))
    for each in free:
        each.close()
    settings = folder / "nginx.conf"
    settings.write_text(NGINX.format(folder=folder, pem=certificate, **ports))
    command = [shutil.which("nginx", path=SYSTEM_PATH), "-c", str(settings), "-p", str(folder)]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    try:
        for port in ports.values():
            for _ in range(100):
                try:
                    socket.create_connection(("127.0.0.1", port)).close()
                    break
                except ConnectionRefusedError:
                    time.sleep(0.02)
        yield ports
    finally:
        process.kill()
        process.wait()


@pytest.mark.program("nginx")
@pytest.mark.parametrize("version", [TLS_1_2, TLS_1_3], ids=NAMES.get)
def test_the_resumed_share_of_nginx_follows_how_it_remembers_sessions(read, certificate, tmp_path, version):
    with nginx(tmp_path, certificate) as ports:
        truth = {}
        for memory, port in ports.items():
            context, session, resumed = client_context(version), None, 0
            for _ in range(6):
                session, again = visit(port, context, session)
                resumed += again
            truth[memory] = resumed
        samples = read()
    assert truth == {"tickets": 5, "cache": 5, "nothing": 0}
    for memory, port in ports.items():
        found = answered(samples, port)
        assert found[NAMES[version], "none", "yes"] == truth[memory]
        assert found.total() == 6
        assert sum(each.count for each in histograms(samples, TIME, listener=f"127.0.0.1:{port}")) == 6
