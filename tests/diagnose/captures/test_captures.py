"""A capture from the request to its end, with a real queue."""

from __future__ import annotations

import datetime
import json

import msgspec
import pytest
import redis
from django.conf import settings
from django.utils import timezone

from collectors.wire import CaptureTarget, Command, CommandStatus
from diagnose import queue
from diagnose.access.actor import Actor
from diagnose.access.problems import Problem
from diagnose.captures import lifecycle, progress, query
from diagnose.captures.describe import as_json
from diagnose.captures.request import cancel, request_capture
from diagnose.models import AuditEntry, Capture, Host
from diagnose.models.access import Role
from diagnose.stream import entries

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("valkey")]
OSKAR = Actor("oskar", Role.OPERATOR, None, None, "192.0.2.7")
SECOND = 1_000_000_000


def ask(host: Host, **changes) -> Capture:
    wanted = {"target": CaptureTarget(pid=812), "kind": "cpu", "seconds": 10.0, "hz": 100, "reason": "slow"}
    return request_capture(host=host, actor=OSKAR, **{**wanted, **changes})


def told(capture: Capture, state: str, **more) -> str:
    progress.report(capture.host, CommandStatus(capture.id, state, **more))
    return now(capture).state


def now(capture: Capture) -> Capture:
    return query.get(capture.id)


def commands(host: Host, valkey: redis.Redis) -> list[Command]:
    found = valkey.xrange(queue.commands_stream(host.id))
    return [msgspec.msgpack.decode(fields[b"command"], type=Command) for _, fields in found]


def events(capture: Capture, valkey: redis.Redis) -> list[dict]:
    found = valkey.xrange(queue.capture_stream(capture.id))
    return [json.loads(fields[b"event"]) for _, fields in found]


def expire(seconds: float) -> None:
    """As it will be done after so many seconds."""
    lifecycle.expire_captures(timezone.now() + datetime.timedelta(seconds=seconds))


def test_a_request_puts_a_command_where_the_collector_waits(host, valkey):
    capture = ask(host, target=CaptureTarget(service="shop"), kind="wall", seconds=5.0, hz=50)
    (command,) = commands(host, valkey)
    assert (command.id, command.action, command.target) == (
        capture.id,
        "capture",
        CaptureTarget(service="shop"),
    )
    assert (command.profile, command.seconds, command.hz) == ("wall", 5.0, 50)
    assert capture.state == "queued"
    assert [event["state"] for event in events(capture, valkey)] == ["queued"]
    entry = AuditEntry.objects.get()
    assert (entry.actor, entry.action, entry.address) == ("oskar", "request capture", "192.0.2.7")
    assert entry.subject == f"capture {capture.id}"
    assert entry.detail["target"] == {"service": "shop"}


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"kind": "offcpu"}, "kind"),
        ({"seconds": 0.5}, "seconds"),
        ({"seconds": 301.0}, "seconds"),
        ({"seconds": float("nan")}, "seconds"),
        ({"hz": 0}, "hz"),
        ({"hz": 501}, "hz"),
        ({"reason": "x" * 501}, "reason"),
        ({"target": CaptureTarget()}, "target"),
        ({"target": CaptureTarget(pid=1, service="shop")}, "target"),
        ({"target": CaptureTarget(pid=0)}, "target.pid"),
        ({"target": CaptureTarget(service="x" * 301)}, "target.service"),
    ],
)
def test_a_request_that_makes_no_sense_is_refused_by_field(host, valkey, changes, field):
    with pytest.raises(Problem) as refused:
        ask(host, **changes)
    assert refused.value.status == 422
    assert list(refused.value.errors) == [field]
    assert not Capture.objects.exists()
    assert commands(host, valkey) == []


def test_all_that_is_wrong_is_told_at_once(host):
    with pytest.raises(Problem) as refused:
        ask(host, kind="x", seconds=0.0, hz=0)
    assert set(refused.value.errors) == {"kind", "seconds", "hz"}


def test_a_host_is_asked_for_no_more_captures_than_it_takes(host):
    first, *_ = [ask(host) for _ in range(4)]
    with pytest.raises(Problem) as refused:
        ask(host)
    assert refused.value.status == 429
    told(first, "failed")
    ask(host)


def test_a_capture_goes_from_queued_to_done_once_it_is_stored(host, valkey):
    capture = ask(host)
    assert told(capture, "sent") == "sent"
    assert told(capture, "running", progress=0.4, message="Sampling") == "running"
    assert told(capture, "done", message="sent", samples=97) == "running"
    assert (now(capture).progress, now(capture).ended_at) == (1.0, None)
    progress.complete(capture.id, "shop", 5 * SECOND, 15 * SECOND, 97)
    done = as_json(now(capture))
    assert (done["state"], done["progress"], done["samples"]) == ("done", 1.0, 97)
    assert done["message"] == "97 samples in 10.0 s."
    assert done["result"] == {
        "host_id": host.id,
        "service": "shop",
        "type": "cpu",
        "from": "1970-01-01T00:00:05Z",
        "to": "1970-01-01T00:00:15Z",
    }
    states = [event["state"] for event in events(capture, valkey)]
    assert states == ["queued", "sent", "running", "running", "done"]


def test_reports_that_overtake_each_other_do_no_harm(host):
    capture = ask(host)
    told(capture, "running", progress=0.6)
    assert told(capture, "sent") == "running"
    told(capture, "running", progress=0.2)
    assert now(capture).progress == 0.6
    progress.complete(capture.id, "shop", 0, SECOND, 5)
    assert told(capture, "running", progress=0.7) == "done"
    assert told(capture, "failed", message="late") == "done"
    assert now(capture).message == "5 samples in 1.0 s."


def test_completing_twice_is_completing_once(host, valkey):
    capture = ask(host)
    for _ in range(2):
        progress.complete(capture.id, "shop", 0, SECOND, 5)
    assert [event["state"] for event in events(capture, valkey)] == ["queued", "done"]


def test_the_profile_of_a_capture_that_was_deleted_is_passed_over(host):
    progress.complete("01UNKNOWN", "shop", 0, SECOND, 5)
    assert not Capture.objects.exists()


def test_a_profile_that_comes_after_its_capture_was_given_up_is_still_a_result(host):
    capture = ask(host)
    told(capture, "running", progress=0.9)
    expire(60)
    assert now(capture).state == "failed"
    progress.complete(capture.id, "shop", 0, SECOND, 5)
    assert now(capture).state == "done"
    assert now(capture).message == "5 samples in 1.0 s."


def test_the_streams_end_with_the_states_that_end_a_capture():
    assert set(Capture.State) - set(lifecycle.OPEN) == entries.FINAL


def test_an_empty_profile_says_what_that_means(host):
    capture = ask(host)
    progress.complete(capture.id, "shop", 0, SECOND, 0)
    assert now(capture).state == "done"
    assert "A wall profile shows where it waits" in now(capture).message


def test_a_collector_reports_only_on_captures_of_its_host(host):
    capture = ask(host)
    other = Host.objects.create(identity="f" * 32, name="web-2")
    with pytest.raises(Problem) as refused:
        progress.report(other, CommandStatus(capture.id, "failed"))
    assert refused.value.status == 404
    assert now(capture).state == "queued"


def test_a_collector_cannot_say_queued(host):
    with pytest.raises(Problem) as refused:
        told(ask(host), "queued")
    assert refused.value.status == 422


def test_a_failure_keeps_the_collectors_words(host):
    capture = ask(host)
    assert told(capture, "failed", message="Process 812 is gone") == "failed"
    assert now(capture).message == "Process 812 is gone"
    assert now(capture).ended_at is not None


def test_a_cancelled_capture_stays_cancelled_and_the_collector_is_told(host, valkey):
    capture = ask(host)
    told(capture, "running", progress=0.5)
    cancel(capture, OSKAR)
    assert told(capture, "running", progress=0.6) == "cancelled"
    assert now(capture).message == "Cancelled by oskar."
    assert [command.action for command in commands(host, valkey)] == ["capture", "cancel"]
    assert AuditEntry.objects.filter(action="cancel capture", subject=f"capture {capture.id}").exists()
    with pytest.raises(Problem) as refused:
        cancel(capture, OSKAR)
    assert refused.value.status == 409


def test_a_capture_that_nobody_takes_expires_with_what_to_check(host):
    capture = ask(host)
    expire(29)
    assert now(capture).state == "queued"
    expire(32)
    assert now(capture).state == "expired"
    assert "No collector took this request within 30 s" in now(capture).message
    assert "diagnose-collector status" in now(capture).message


@pytest.mark.parametrize(
    ("reports", "seconds", "words"),
    [
        ([("sent", 0.0)], 32, "took the request and then said nothing"),
        ([("running", 0.5)], 32, "stopped reporting"),
        ([("running", 0.5), ("done", 1.0)], 122, "has not arrived"),
    ],
    ids=["taken", "running", "measured"],
)
def test_a_collector_that_goes_silent_fails_its_capture(host, reports, seconds, words):
    capture = ask(host)
    for state, share in reports:
        told(capture, state, progress=share)
    expire(seconds - 5)
    assert now(capture).state != "failed"
    expire(seconds)
    assert now(capture).state == "failed"
    assert words in now(capture).message


def test_without_a_queue_the_request_fails_and_says_so(host, monkeypatch):
    away = redis.Redis(unix_socket_path="/nonexistent/valkey.sock")
    monkeypatch.setattr(queue, "client", lambda: away)
    with pytest.raises(Problem) as refused:
        ask(host)
    assert refused.value.status == 503
    assert settings.REDIS_URL.rpartition("@")[2] in refused.value.detail
    assert Capture.objects.get().state == "failed"


def test_captures_are_listed_newest_first_and_by_what_is_asked(host):
    other = Host.objects.create(identity="f" * 32, name="web-2")
    old, new, elsewhere = ask(host), ask(host), ask(other)
    told(old, "failed")
    assert list(query.list_captures()) == [elsewhere, new, old]
    assert list(query.list_captures(host=host)) == [new, old]
    assert list(query.list_captures(state="open")) == [elsewhere, new]
    assert list(query.list_captures(state="failed")) == [old]
    with pytest.raises(Problem) as unknown:
        query.get("01NOSUCH")
    assert unknown.value.status == 404
