"""Batches to a server that answers well, badly, late or not at all."""

from __future__ import annotations

import os
import socket

import pytest

from collectors.delivery import client, payload, ship
from collectors.delivery.client import MAX_ANSWER_BYTES, Client
from collectors.delivery.ship import Shipper
from collectors.delivery.spool import Spool
from collectors.state import StateError
from collectors.wire import Event, Fact, encode_item
from tests.collectors.acceptor import Acceptor, json_reply, serving

BATCHES = "/api/v1/batches"
HOST = "0123456789abcdef0123456789abcdef"


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def server():
    with serving(Acceptor()) as acceptor:
        yield acceptor


@pytest.fixture
def spool(tmp_path):
    return Spool(tmp_path / "spool", 1 << 24)


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def shipper(server, spool, clock):
    client = Client(server.url, lambda: "secret", "test", "", "")
    return Shipper(spool, client, HOST, "test", clock)


def put(spool: Spool, *names: str) -> None:
    for name in names:
        spool.append(payload.pack([encode_item(Fact(name, "1", 1))]))


def names(server: Acceptor) -> list[str]:
    return [s.name if isinstance(s, Fact) else s.event for s in server.samples()]


def steps(shipper: Shipper, count: int) -> None:
    for _ in range(count):
        shipper.step()


def test_batches_arrive_in_order_with_token_host_and_numbers(server, spool, shipper):
    put(spool, "a", "b", "c")
    steps(shipper, 4)
    assert names(server) == ["a", "b", "c"]
    assert [batch.seq for batch in server.batches.values()] == [1, 2, 3]
    assert {batch.host for batch in server.batches.values()} == {HOST}
    headers = server.requests[0].headers
    assert headers["authorization"] == "Bearer secret"
    assert headers["content-type"] == "application/vnd.diagnose.batch+msgpack"


def test_what_is_committed_leaves_the_spool(server, spool, shipper):
    put(spool, "a", "b")
    steps(shipper, 2)
    assert spool.state().batches == 0
    assert shipper.progress.committed_seq == 2


def test_what_is_only_accepted_stays(server, spool, shipper):
    server.commits = False
    put(spool, "a", "b")
    steps(shipper, 5)
    assert spool.state().batches == 2
    assert len(server.arrivals) == 2


def test_without_progress_for_15_s_everything_uncommitted_is_sent_again(server, spool, shipper, clock):
    server.commits = False
    put(spool, "a", "b")
    steps(shipper, 3)
    clock.now += 14.9
    steps(shipper, 2)
    assert len(server.arrivals) == 2
    clock.now += 0.2
    server.commits = True
    steps(shipper, 2)
    assert [seq for _, seq in server.arrivals] == [1, 2, 1]  # whose answer covers both
    assert all(len(digests) == 1 for digests in server.digests.values())
    assert spool.state().batches == 0


@pytest.mark.parametrize("status", [401, 403, 404, 429, 500, 502, 503])
def test_a_refusal_is_waited_out_and_nothing_is_lost(server, spool, shipper, status):
    server.script[BATCHES] = [json_reply(status, {"detail": "not now"})]
    put(spool, "a")
    assert shipper.step() >= ship.BACKOFF_SECONDS[0] / 2
    assert str(status) in shipper.progress.error
    assert spool.state().batches == 1
    shipper.step()
    assert names(server) == ["a"]
    assert shipper.progress.error == ""


def test_retry_after_is_honoured(server, spool, shipper):
    server.script[BATCHES] = [json_reply(429, {}, **{"Retry-After": "17"})]
    put(spool, "a")
    assert 17 <= shipper.step() <= 17 * 1.5


def test_a_retry_after_of_a_week_is_not(server, spool, shipper):
    server.script[BATCHES] = [json_reply(503, {}, **{"Retry-After": "604800"})]
    put(spool, "a")
    assert shipper.step() <= ship.MAX_RETRY_AFTER_SECONDS * 1.5


def test_pauses_grow_with_failures_up_to_a_bound(server, spool, shipper):
    server.script[BATCHES] = [json_reply(500, {}) for _ in range(12)]
    put(spool, "a")
    pauses = [shipper.step() for _ in range(12)]
    assert pauses[0] <= 1.0
    assert 30.0 <= pauses[-1] <= 60.0
    assert max(pauses) <= 60.0


@pytest.mark.parametrize(
    "reply",
    [
        (202, {}, b""),
        (202, {}, b"<html>welcome to the captive portal</html>"),
        (202, {}, b'{"committed": null}'),
        (202, {}, b'{"committed": {"epoch": 5, "seq": "x"}}'),
        (200, {}, b'{"committed": {"epoch": "0", "seq": 1}}'),
        (204, {}, b""),
        (301, {"Location": "https://elsewhere.example/"}, b""),
        (0, {}, b"\x00\x01 this is not HTTP\r\n\r\n"),
        (0, {}, b""),
    ],
    ids=["empty", "html", "null", "types", "200", "204", "moved", "no-http", "closed"],
)
def test_garbage_deletes_nothing(server, spool, shipper, reply):
    server.script[BATCHES] = [reply]
    put(spool, "a")
    shipper.step()
    assert shipper.progress.error
    assert spool.state().batches == 1
    shipper.step()
    assert names(server) == ["a"]


def test_an_endless_answer_is_cut_off(server, spool, shipper):
    server.script[BATCHES] = [(202, {}, b"x" * (MAX_ANSWER_BYTES + 100_000))]
    put(spool, "a")
    shipper.step()
    assert "longer than" in shipper.progress.error


def test_a_quarantined_batch_may_go_and_those_behind_it_follow(server, spool, shipper):
    server.script[BATCHES] = [json_reply(422, {"detail": "seq 1: labels is not a map"})]
    put(spool, "a", "b")
    steps(shipper, 2)
    assert spool.state().batches == 0
    assert names(server) == ["b"]
    assert shipper.progress.quarantined == 1


def test_a_422_of_something_else_than_our_server_deletes_nothing(server, spool, shipper):
    server.script[BATCHES] = [(422, {"Content-Type": "text/html"}, b"<html>blocked by policy</html>")]
    put(spool, "a")
    shipper.step()
    assert spool.state().batches == 1


def test_a_batch_that_is_too_large_is_halved_until_it_fits(server, spool, shipper):
    server.routes[BATCHES] = lambda request: (
        json_reply(413, {}) if len(request.body) > 150_000 else server._take(request.body)
    )
    raws = [encode_item(Fact(f"fact{n}", "", n)) for n in range(4)]
    raws += [encode_item(Fact(f"blob{n}", os.urandom(30_000).hex(), n)) for n in range(8)]
    spool.append(payload.pack(raws))
    steps(shipper, 12)
    assert sorted(names(server)) == sorted([f"fact{n}" for n in range(4)] + [f"blob{n}" for n in range(8)])
    assert spool.state().batches == 0


def test_a_small_batch_refused_as_too_large_is_kept_as_it_is(server, spool, shipper):
    server.script[BATCHES] = [json_reply(413, {}) for _ in range(5)]
    put(spool, "a", "b")
    steps(shipper, 5)
    assert spool.state().batches == 2
    steps(shipper, 2)
    assert names(server) == ["a", "b"]


def test_a_committed_epoch_that_is_not_ours_deletes_nothing(server, spool, shipper):
    server.script[BATCHES] = [
        json_reply(202, {"committed": {"epoch": "00000000deadbeef", "seq": 99}}) for _ in range(2)
    ]
    put(spool, "a", "b")
    steps(shipper, 3)
    assert spool.state().batches == 2


def test_a_restored_spool_begins_a_new_epoch_instead_of_being_taken_for_duplicates(server, spool, shipper):
    old = spool.state().epoch
    server.committed[old] = 500
    put(spool, "a", "b")
    steps(shipper, 4)
    new = spool.state().epoch
    assert new != old
    assert [key for key in server.arrivals if key[0] == new] == [(new, 1), (new, 2)]
    assert spool.state().batches == 0


def test_a_restart_sends_the_last_batch_again_and_continues(server, spool, shipper, tmp_path, clock):
    put(spool, "a", "b")
    steps(shipper, 2)
    again = Spool(tmp_path / "spool", 1 << 24)
    after = Shipper(again, Client(server.url, lambda: "secret", "test", "", ""), HOST, "test", clock)
    put(again, "c")
    steps(after, 3)
    assert names(server) == ["a", "b", "c"]
    assert len(server.committed) == 1
    assert again.state().batches == 0


def test_dropped_batches_are_told_by_oldest_seq(server, shipper, spool, tmp_path, clock):
    small = Spool(tmp_path / "small", 200)
    for number in range(5):
        small.append(bytes(100) + bytes([number]))
    sender = Shipper(small, Client(server.url, lambda: "s", "test", "", ""), HOST, "test", clock)
    sender.step()
    (batch,) = server.batches.values()
    assert batch.seq == batch.oldest_seq == 5


def test_a_spoiled_spool_file_does_not_hold_those_behind_it(server, spool, shipper, tmp_path):
    put(spool, "a", "b")
    (tmp_path / "spool" / f"{1:016d}.batch").write_bytes(b"spoiled")
    steps(shipper, 2)
    assert names(server) == ["spool_file_unreadable", "b"]
    assert isinstance(server.samples()[0], Event)
    assert spool.state().batches == 0


def test_an_unreachable_server_is_waited_for(spool, clock):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}"
        shipper = Shipper(spool, Client(url, lambda: "secret", "test", "", ""), HOST, "test", clock)
        put(spool, "a")
        assert shipper.step() > 0
    assert "connection refused" in shipper.progress.error
    assert spool.state().batches == 1


def test_without_name_resolution_batches_wait_and_go_when_it_is_back(server, spool, clock, monkeypatch):
    port = int(server.url.rpartition(":")[2])
    shipper = Shipper(
        spool, Client(f"http://diagnose.example:{port}", lambda: "secret", "t", "", ""), HOST, "t", clock
    )
    resolve = socket.getaddrinfo

    def fail(*_, **__):
        raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")

    monkeypatch.setattr(socket, "getaddrinfo", fail)
    put(spool, "a", "b")
    pauses = [shipper.step() for _ in range(3)]
    assert 0 < pauses[0] <= pauses[2] <= 60
    assert "diagnose.example" in shipper.progress.error
    assert spool.state().batches == 2
    monkeypatch.setattr(socket, "getaddrinfo", lambda _, *rest, **kw: resolve("127.0.0.1", *rest, **kw))
    steps(shipper, 2)
    assert names(server) == ["a", "b"]
    assert shipper.progress.error == ""


def test_an_unreadable_token_is_waited_for_and_a_renewed_one_counts(server, spool, clock):
    tokens = iter([StateError("token file t: gone"), "renewed"])

    def token() -> str:
        found = next(tokens)
        if isinstance(found, StateError):
            raise found
        return found

    shipper = Shipper(spool, Client(server.url, token, "test", "", ""), HOST, "test", clock)
    put(spool, "a")
    shipper.step()
    assert "gone" in shipper.progress.error
    shipper.step()
    assert server.requests[-1].headers["authorization"] == "Bearer renewed"


def test_a_backlog_is_sent_no_faster_than_the_server_commits(server, spool, shipper, clock):
    server.commits = False
    put(spool, *[f"n{number}" for number in range(ship.WINDOW + 20)])
    steps(shipper, ship.WINDOW + 5)
    assert len(set(server.arrivals)) == ship.WINDOW
    server.commits = True
    steps(shipper, 30)
    assert len(set(server.arrivals)) == ship.WINDOW + 20
    assert spool.state().batches == 0


def test_a_refused_token_names_the_remedy(server, spool, shipper):
    server.script[BATCHES] = [json_reply(401, {})]
    put(spool, "a")
    shipper.step()
    assert "diagnose-collector enroll" in shipper.progress.error


def test_a_server_that_takes_a_request_and_says_nothing_is_given_up_and_asked_again(
    server, spool, shipper, monkeypatch
):
    monkeypatch.setattr(client, "READ_SECONDS", 0.2)
    put(spool, "a")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        hanging = Shipper(spool, Client(url, lambda: "secret", "test", "", ""), HOST, "test", Clock())
        assert hanging.step() > 0
    assert "timed out" in hanging.progress.error
    steps(shipper, 2)
    assert names(server) == ["a"]
    assert spool.state().batches == 0


def test_a_connection_closed_in_the_middle_of_an_answer_deletes_nothing(server, spool, shipper):
    half = b'HTTP/1.1 202 Accepted\r\nContent-Length: 500\r\n\r\n{"committed": {"epoch"'
    server.script[BATCHES] = [(0, {}, half)]
    put(spool, "a")
    assert shipper.step() > 0
    assert shipper.progress.error
    assert spool.state().batches == 1
    steps(shipper, 2)
    assert names(server) == ["a"]


@pytest.mark.parametrize("headers", [{}, {"Retry-After": "20"}], ids=["own pause", "asked for"])
def test_a_fleet_that_was_refused_at_once_does_not_come_back_at_once(server, tmp_path, headers):
    server.routes[BATCHES] = lambda _: json_reply(503, {}, **headers)
    pauses = set()
    for number in range(8):
        spool = Spool(tmp_path / str(number), 1 << 20)
        put(spool, "a")
        one = Shipper(spool, Client(server.url, lambda: "secret", "test", "", ""), HOST, "test", Clock())
        pauses.add(round(one.step(), 2))
    assert len(pauses) >= 6
