"""`POST /api/v1/batches`: what is taken, and how everything else is refused."""

from __future__ import annotations

import time
from io import BytesIO

import msgspec
import pytest
import redis
import zstandard
from django.test import Client

from collectors import wire
from diagnose.access import tokens
from diagnose.ingest import decode, pending
from diagnose.models import Host, IngestEpoch, QuarantinedBatch, Token
from tests.batches import EPOCH, body_of, content_of, envelope_of
from tests.diagnose.ingest.conftest import points

URL = "/api/v1/batches"


@pytest.fixture
def post(valkey, host, host_token, sent_tasks):
    """Posts a body as the collector of `host`."""

    def send(body: bytes, token: str = host_token, arrived: bytes | None = None, **headers: str):
        chosen = {"Authorization": f"Bearer {token}"} | headers
        cut = {} if arrived is None else {"wsgi.input": BytesIO(arrived)}
        return Client().post(URL, body, content_type=wire.CONTENT_TYPE, headers=chosen, **cut)

    return send


def test_a_batch_is_queued_and_the_answer_says_what_is_committed(post, host, sent_tasks):
    IngestEpoch.objects.create(host=host, epoch=EPOCH, committed_seq=6)
    answer = post(body_of([points("load1", [1.0])], seq=9))
    assert answer.status_code == 202
    assert answer.json() == {"committed": {"epoch": EPOCH, "seq": 6}}
    assert sent_tasks == [("diagnose.tasks.write_waiting", [])]
    (waiting,) = pending.take()
    assert (waiting.host_id, waiting.epoch, waiting.seq) == (host.pk, EPOCH, 9)
    assert decode.envelope(waiting.body).seq == 9
    assert abs(waiting.received_ns - time.time_ns()) < 10 * 10**9


def test_a_batch_that_is_committed_already_is_not_queued_again(post, host, sent_tasks):
    IngestEpoch.objects.create(host=host, epoch=EPOCH, committed_seq=6)
    assert post(body_of([], seq=6)).status_code == 202
    assert sent_tasks == []


def test_the_same_batch_within_seconds_is_queued_once(post):
    for _ in range(3):
        assert post(body_of([])).status_code == 202
    assert len(pending.take()) == 1
    assert post(body_of([])).status_code == 202
    assert pending.take() == []


def test_many_waiting_batches_make_one_task(post, sent_tasks):
    for seq in range(1, 9):
        assert post(body_of([], seq=seq)).status_code == 202
    assert len(sent_tasks) == 1
    assert [one.seq for one in pending.take()] == [*range(1, 9)]
    post(body_of([], seq=9))
    assert len(sent_tasks) == 2


@pytest.mark.parametrize("token", ["", "dgh_wrong", "x" * 5_000])
def test_a_wrong_token_is_refused(token, post):
    assert post(body_of([]), token=token).status_code == 401


def test_a_revoked_token_is_refused(post, host_token, sent_tasks):
    tokens.revoke(tokens.authenticate(host_token))
    assert post(body_of([])).status_code == 401
    assert sent_tasks == []


def test_a_users_token_sends_no_batches(post, admin):
    secret = tokens.issue(Token.Kind.USER, user=admin)
    assert post(body_of([]), token=secret).status_code == 403


def test_another_hosts_batch_is_refused_with_the_remedy(post, sent_tasks):
    answer = post(body_of([], host="f" * 32))
    assert answer.status_code == 403
    assert "enrol" in answer.json()["detail"]
    assert sent_tasks == []


def test_an_unknown_wire_version_is_quarantined_counts_as_done_and_names_the_remedy(post, host, sent_tasks):
    answer = post(body_of([], version=9, seq=1))
    assert answer.status_code == 422
    assert answer["Content-Type"] == "application/problem+json"
    assert "version 9" in answer.json()["detail"]
    assert "update the server" in answer.json()["detail"]
    assert QuarantinedBatch.objects.get().seq == 1
    assert post(body_of([], seq=2)).json()["committed"]["seq"] == 1
    assert post(body_of([], version=9, seq=1)).status_code == 422
    assert QuarantinedBatch.objects.count() == 1


BROKEN = {
    "one byte": b"\0",
    "no msgpack": b"hello" * 100,
    "a body cut off": body_of([points("load1", [1.0] * 500)])[:-20],
    "a batch as version 1 of the wire had it": content_of([points("load1", [1.0])]),
    "another object": msgspec.msgpack.encode({"a": 1}),
    "msgpack nested four million deep": b"\x91" * 4_000_000 + b"\xc0",
    "content that is no zstd frame": envelope_of(b"hello" * 100),
    "content that does not say its size": envelope_of(
        zstandard.ZstdCompressor(write_content_size=False).compress(b"\x90")
    ),
    "an epoch that is no number": body_of([], epoch="../../etc"),
    "a sequence number of zero": body_of([], seq=0),
    "an oldest number after its own": body_of([], seq=3, oldest_seq=4),
    "a sequence number beyond 62 bits": body_of([], seq=2**63),
    "names that are no UTF-8": envelope_of(b"", host="h").replace(b"\xa1h", b"\xa1\xff"),
}


@pytest.mark.parametrize("what", BROKEN)
def test_bytes_that_are_no_batch_are_kept_and_refused(what, post, sent_tasks):
    answer = post(BROKEN[what])
    assert answer.status_code == 422, answer.content
    assert answer["Content-Type"] == "application/problem+json"
    assert QuarantinedBatch.objects.count() == 1
    assert sent_tasks == []


def test_a_zip_bomb_is_refused_before_it_takes_room(post):
    import resource

    bomb = envelope_of(zstandard.ZstdCompressor(level=1).compress(bytes(512 * 1024**2)))
    assert len(bomb) < 4 * 1024**2
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    answer = post(bomb)
    assert answer.status_code == 413
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200 * 1024
    assert not QuarantinedBatch.objects.exists()


def test_an_oversized_body_is_refused(post):
    answer = post(b"x" * (decode.MAX_BODY_BYTES + 1))
    assert answer.status_code == 413
    assert "4194304 bytes" in answer.json()["detail"]


@pytest.mark.parametrize("share", [0.0, 0.5, 0.99])
def test_a_batch_whose_sender_was_killed_halfway_is_not_quarantined(share, post, sent_tasks):
    body = body_of([points("load1", [1.0])])
    arrived = body[: int(len(body) * share)]
    answer = post(body, arrived=arrived)
    assert answer.status_code == 400
    assert "send the batch again" in answer.json()["detail"]
    assert not QuarantinedBatch.objects.exists()
    assert sent_tasks == []


def test_a_body_without_its_headers_is_refused_with_what_to_send(post):
    answer = post(body_of([]), **{"Content-Encoding": "gzip"})
    assert answer.status_code == 415
    assert wire.CONTENT_TYPE in answer.json()["detail"]


@pytest.mark.parametrize("bound", ["MAX_WAITING", "MAX_WAITING_BYTES"])
def test_a_full_queue_asks_to_come_again_until_some_were_taken(bound, post, monkeypatch):
    body = body_of([])
    monkeypatch.setattr(pending, bound, 3 if bound == "MAX_WAITING" else 2 * len(body) + 17)
    answers = [post(body_of([], seq=seq)) for seq in range(1, 6)]
    assert [answer.status_code for answer in answers] == [202, 202, 202, 429, 429]
    assert answers[-1]["Retry-After"] == "10"
    assert [one.seq for one in pending.take()] == [1, 2, 3]
    assert post(body_of([], seq=5)).status_code == 202


def test_a_full_queue_whose_writer_was_lost_gets_another(post, valkey, monkeypatch, sent_tasks):
    monkeypatch.setattr(pending, "MAX_WAITING", 1)
    assert post(body_of([], seq=1)).status_code == 202
    assert post(body_of([], seq=2)).status_code == 429
    assert len(sent_tasks) == 1
    pending.queue.client().delete(
        f"{pending.queue.WAITING}:task"
    )  # as it lapses some seconds after it was sent
    assert [post(body_of([], seq=2)).status_code for _ in range(2)] == [429, 429]
    assert len(sent_tasks) == 2


def test_a_queue_that_is_away_asks_to_come_again(post, monkeypatch):
    gone = redis.Redis(unix_socket_path="/nonexistent/valkey.sock")
    monkeypatch.setattr(pending.queue, "client", lambda: gone)
    answer = post(body_of([]))
    assert (answer.status_code, answer["Retry-After"]) == (503, "10")


def test_only_post_is_taken(post):
    assert Client().get(URL).status_code == 405


def test_a_restarted_collector_with_a_new_epoch_is_answered_by_that_epoch(post, host):
    IngestEpoch.objects.create(host=host, epoch=EPOCH, committed_seq=6)
    assert post(body_of([], epoch="abc")).json() == {"committed": {"epoch": "abc", "seq": 0}}
    assert Host.objects.count() == 1


def test_without_room_on_the_disk_a_batch_stays_with_its_collector_until_there_is(
    post, nearly_full, sent_tasks
):
    with nearly_full():
        answer = post(body_of([]))
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "10")
        assert "free some space" in answer.json()["detail"]
        assert post(b"not even readable").status_code == 503  # nor is anything put into the quarantine
    assert sent_tasks == []
    assert post(body_of([])).status_code == 202
