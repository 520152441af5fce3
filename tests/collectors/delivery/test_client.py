"""The client against a real TLS server whose certificate an authority of one's own has signed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from collectors.__main__ import main
from collectors.delivery.client import Client, Unreachable
from tests.authority import Authority
from tests.collectors.acceptor import Acceptor, json_reply, serving

pytestmark = pytest.mark.program("openssl")
ENROLL = "/api/v1/enroll"


@pytest.fixture(scope="module")
def authority(tmp_path_factory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def server(authority) -> Iterator[Acceptor]:
    with serving(Acceptor(), tls=authority.serving()) as acceptor:
        acceptor.routes["/hello"] = lambda _: json_reply(200, "hello")
        acceptor.routes[ENROLL] = lambda _: json_reply(201, {"host": 7, "token": "host-secret"})
        yield acceptor


def client(server: Acceptor, ca_file: Path | str) -> Client:
    return Client(server.url, lambda: "secret", "test", str(ca_file), "")


def test_a_server_of_the_authority_is_trusted_for_each_way_to_ask(server, authority):
    asking = client(server, authority.certificate)
    assert asking.get("/hello").status == 200
    assert asking.get_elsewhere(f"{server.url}/hello", 5.0).status == 200
    assert asking.post("/hello", b"x", {}).status == 200
    assert [request.headers.get("authorization") for request in server.requests] == [
        "Bearer secret",
        None,
        "Bearer secret",
    ]


def test_without_its_authority_nothing_is_sent_and_the_setting_is_named(server):
    with pytest.raises(Unreachable, match=r"certificate verify failed.*ca_file"):
        client(server, "").post("/hello", b"x", {})
    assert server.requests == []


def test_another_authority_is_not_trusted(server, tmp_path):
    with pytest.raises(Unreachable, match="certificate verify failed"):
        client(server, Authority(tmp_path).certificate).get("/hello")
    assert server.requests == []


def test_a_certificate_for_another_name_is_not_trusted(authority):
    with serving(Acceptor(), tls=authority.serving("other.example")) as server:
        with pytest.raises(Unreachable, match="Hostname mismatch"):
            client(server, authority.certificate).get("/hello")
        assert server.requests == []


def enrolled(server: Acceptor, state: Path) -> int:
    return main(["enroll", "--server", server.url, "--state-dir", str(state)])


def test_enrolling_trusts_the_authority_that_the_setting_names(
    server, authority, tmp_path, monkeypatch, capsys
):
    monkeypatch.setenv("DIAGNOSE_ENROLL_TOKEN", "x")
    assert enrolled(server, tmp_path) == 1
    assert "ca_file" in capsys.readouterr().err
    monkeypatch.setenv("DIAGNOSE_COLLECTOR_CA_FILE", str(authority.certificate))
    assert enrolled(server, tmp_path) == 0
    assert (tmp_path / "token").read_text() == "host-secret\n"


def test_a_file_without_certificates_is_refused_at_the_start(server, tmp_path, monkeypatch, capsys):
    (tmp_path / "empty.pem").write_text("-----BEGIN NOTHING-----\n")
    monkeypatch.setenv("DIAGNOSE_COLLECTOR_CA_FILE", str(tmp_path / "empty.pem"))
    assert enrolled(server, tmp_path) == 2
    assert "no certificate" in capsys.readouterr().err
