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
from diagnose.captures import lifecycle, line, overdue, progress, query
from diagnose.captures.describe import as_json
from diagnose.captures.progress import Stored
from diagnose.captures.request import Wanted, cancel, request_capture, request_group
from diagnose.models import AuditEntry, Capture, Fact, Host
from diagnose.models.access import Role
from diagnose.stream import entries

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("valkey")]
OSKAR = Actor("oskar", Role.OPERATOR, None, None, "192.0.2.7")
SECOND = 1_000_000_000


def ask(host: Host, **changes) -> Capture:
    return request_capture(host, wanted(**changes), changes.get("actor", OSKAR))


def wanted(**changes) -> Wanted:
    given = {
        "target": CaptureTarget(pid=812),
        "kind": "python_cpu",
        "seconds": 10.0,
        "hz": 100,
        "reason": "slow",
    }
    return Wanted(**{name: changes.get(name, value) for name, value in given.items()})


def store(capture_id: str, samples: int = 97, **changes) -> None:
    """As ingest does when the profile is committed."""
    given = {
        "service": "shop",
        "types": ["cpu"],
        "unit": "samples",
        "start_ns": 5 * SECOND,
        "end_ns": 15 * SECOND,
        "samples": samples,
    }
    progress.complete(capture_id, Stored(**{**given, **changes}))


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
    overdue.expire_captures(timezone.now() + datetime.timedelta(seconds=seconds))


def test_a_request_puts_a_command_where_the_collector_waits(host, valkey):
    capture = ask(host, target=CaptureTarget(service="shop"), kind="wall", seconds=5.0, hz=50)
    (command,) = commands(host, valkey)
    assert (command.id, command.action, command.target) == (
        capture.id,
        "capture",
        CaptureTarget(service="shop"),
    )
    assert (command.profile, command.seconds, command.hz) == ("python_wall", 5.0, 50)
    assert capture.state == "queued"
    assert [event["state"] for event in events(capture, valkey)] == ["queued"]
    entry = AuditEntry.objects.get()
    assert (entry.actor, entry.action, entry.address) == ("oskar", "request capture", "192.0.2.7")
    assert entry.subject == f"capture {capture.id}"
    assert entry.detail["target"] == {"service": "shop"}


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"kind": "juggling"}, "kind"),
        ({"kind": "offcpu"}, "kind"),
        ({"seconds": 0.5}, "seconds"),
        ({"seconds": 301.0}, "seconds"),
        ({"seconds": float("nan")}, "seconds"),
        ({"hz": 9}, "hz"),
        ({"hz": 1000}, "hz"),
        ({"reason": "x" * 501}, "reason"),
        ({"target": CaptureTarget()}, "target"),
        ({"target": CaptureTarget(pid=1, service="shop")}, "target"),
        ({"target": CaptureTarget(pid=0)}, "target.pid"),
        ({"target": CaptureTarget(service="x" * 301)}, "target.service"),
        ({"target": CaptureTarget(cgroup="system.slice")}, "target.cgroup"),
        ({"target": CaptureTarget(container="shop")}, "target.container"),
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


def test_what_a_busy_host_is_asked_for_waits_its_turn_and_sees_its_place(host, valkey):
    first, *_ = [ask(host) for _ in range(line.MAX_GOING_PER_HOST)]
    second, third = ask(host), ask(host)
    assert [as_json(now(each))["place"] for each in (first, second, third)] == [None, 1, 2]
    assert (second.state, second.message) == ("waiting", line.WAITING)
    assert len(commands(host, valkey)) == line.MAX_GOING_PER_HOST
    told(first, "failed")
    assert [now(each).state for each in (second, third)] == ["queued", "waiting"]
    assert commands(host, valkey)[-1].id == second.id
    assert [event["place"] for event in events(third, valkey)] == [2, 1]
    cancel(now(third), OSKAR)
    assert [command.action for command in commands(host, valkey)] == ["capture"] * 5  # it was never sent


def test_what_waits_begins_even_when_nobody_told_that_there_is_room(host, valkey):
    first, *_ = [ask(host) for _ in range(line.MAX_GOING_PER_HOST)]
    waiting = ask(host)
    Capture.objects.filter(id=first.id).update(state="failed")  # its process was killed before it went on
    expire(0)
    assert now(waiting).state == "queued"
    assert commands(host, valkey)[-1].id == waiting.id


def test_a_turn_that_never_comes_ends_in_words(host):
    for _ in range(line.MAX_GOING_PER_HOST):
        told(ask(host), "running", progress=0.1)
    waiting = ask(host)
    Capture.objects.filter(state="running").update(heard_at=timezone.now() + datetime.timedelta(hours=1))
    expire(overdue.TURN_WITHIN_SECONDS + 5)
    assert now(waiting).state == "expired"
    assert "before its turn came" in now(waiting).message


def test_the_line_before_a_host_ends_somewhere(host, monkeypatch):
    monkeypatch.setattr(line, "MAX_WAITING_PER_HOST", 1)
    for _ in range(line.MAX_GOING_PER_HOST + 1):
        ask(host)
    with pytest.raises(Problem) as refused:
        ask(host)
    assert refused.value.status == 429
    assert "1 captures wait for web-1 already" in refused.value.detail


def test_a_person_has_no_more_going_on_than_fits(host, monkeypatch):
    monkeypatch.setattr(line, "MAX_OPEN_PER_USER", 2)
    ask(host)
    ask(host)
    with pytest.raises(Problem) as refused:
        ask(host)
    assert refused.value.status == 429
    assert "oskar has 2 captures that go on" in refused.value.detail
    ask(host, actor=Actor("ada", Role.OPERATOR, None, None, None))


def test_a_kind_that_the_host_cannot_take_is_refused_with_its_collectors_words(host):
    lacking = "perf is not installed; apt install linux-perf"
    for name, value in (("capture.native_cpu", lacking), ("capture.python_cpu", "yes")):
        Fact.objects.create(host=host, name=name, value=value, since=timezone.now())
    with pytest.raises(Problem) as refused:
        ask(host, kind="native_cpu")
    assert refused.value.errors == {"kind": lacking}
    with pytest.raises(Problem) as refused:
        ask(host, kind="go_heap")
    assert "has no such kind; upgrade it" in refused.value.errors["kind"]
    assert ask(host).state == "queued"


def test_several_hosts_are_asked_at_once_and_one_that_cannot_is_told_in_words(host, valkey):
    other = Host.objects.create(identity="e" * 32, name="web-2")
    Fact.objects.create(
        host=other, name="capture.python_cpu", value="py-spy is missing", since=timezone.now()
    )
    made = request_group([host, other], wanted(target=CaptureTarget(service="shop")), OSKAR)
    assert {capture.group for capture in made} == {made[0].group}
    assert [(each.host.name, each.state) for each in query.group(made[0].group)] == [
        ("web-1", "queued"),
        ("web-2", "failed"),
    ]
    assert made[1].message == "py-spy is missing"
    assert len(commands(host, valkey)) == 1
    assert commands(other, valkey) == []
    assert AuditEntry.objects.filter(action="request capture").count() == 2
    with pytest.raises(Problem) as refused:
        request_group([host, other], wanted(), OSKAR)
    assert list(refused.value.errors) == ["target.pid"]


def test_a_refusal_by_the_owner_of_the_host_is_its_own_end_and_is_audited(host):
    capture = ask(host)
    words = "the owner of this host allows no captures of 'vault*' (stacks.deny in the collector's settings)"
    assert told(capture, "failed", message=words, refused=True) == "refused"
    assert now(capture).message == words
    entry = AuditEntry.objects.get(action="refuse capture")
    assert (entry.actor, entry.detail["why"]) == ("collector of web-1", words)


@pytest.mark.parametrize("stored_first", [False, True])
def test_less_than_was_asked_for_is_kept_and_marked(host, stored_first):
    capture = ask(host)
    words = "Process 812 ended after 4.0 of 10 s; what was seen until then is kept."
    if stored_first:
        store(capture.id, 40, end_ns=9 * SECOND)
    told(capture, "done", message=words, samples=40, partial=True)
    if not stored_first:
        store(capture.id, 40, end_ns=9 * SECOND)
    found = as_json(now(capture))
    assert (found["state"], found["partial"], found["samples"]) == ("done", True, 40)
    assert found["message"] == f"{words} 40 samples in 4.0 s."


def test_profiles_of_several_types_and_batches_are_one_result(host):
    Fact.objects.create(host=host, name="capture.go_heap", value="yes", since=timezone.now())
    capture = ask(host, kind="go_heap")
    store(capture.id, 10, types=["alloc_space"], unit="bytes", start_ns=SECOND, end_ns=SECOND)
    store(capture.id, 10, types=["inuse_space"], unit="bytes", start_ns=2 * SECOND, end_ns=2 * SECOND)
    store(capture.id, 10, types=["inuse_space"], unit="bytes", start_ns=2 * SECOND, end_ns=2 * SECOND)
    result = as_json(now(capture))["result"]
    assert (result["type"], result["types"]) == ("inuse_space", ["inuse_space", "alloc_space"])
    assert (result["from"], result["to"]) == ("1970-01-01T00:00:01Z", "1970-01-01T00:00:02Z")
    assert now(capture).message == "Profile of one moment."


def test_a_capture_goes_from_queued_to_done_once_it_is_stored(host, valkey):
    capture = ask(host)
    assert told(capture, "sent") == "sent"
    assert told(capture, "running", progress=0.4, message="Sampling") == "running"
    assert told(capture, "done", message="sent", samples=97) == "running"
    assert (now(capture).progress, now(capture).ended_at) == (1.0, None)
    store(capture.id)
    done = as_json(now(capture))
    assert (done["state"], done["progress"], done["samples"]) == ("done", 1.0, 97)
    assert done["message"] == "97 samples in 10.0 s."
    assert done["result"] == {
        "host_id": host.id,
        "service": "shop",
        "type": "cpu",
        "types": ["cpu"],
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
    store(capture.id, 5, start_ns=0, end_ns=SECOND)
    assert told(capture, "running", progress=0.7) == "done"
    assert told(capture, "failed", message="late") == "done"
    assert now(capture).message == "5 samples in 1.0 s."


def test_completing_twice_is_completing_once(host, valkey):
    capture = ask(host)
    for _ in range(2):
        store(capture.id, 5, start_ns=0, end_ns=SECOND)
    assert [event["state"] for event in events(capture, valkey)] == ["queued", "done"]


def test_the_profile_of_a_capture_that_was_deleted_is_passed_over(host):
    store("01UNKNOWN")
    assert not Capture.objects.exists()


def test_a_profile_that_comes_after_its_capture_was_given_up_is_still_a_result(host):
    capture = ask(host)
    told(capture, "running", progress=0.9)
    expire(60)
    assert now(capture).state == "failed"
    store(capture.id, 5, start_ns=0, end_ns=SECOND)
    assert now(capture).state == "done"
    assert now(capture).message == "5 samples in 1.0 s."


def test_the_streams_end_with_the_states_that_end_a_capture():
    assert set(Capture.State) - set(lifecycle.OPEN) == entries.FINAL


def test_an_empty_profile_says_what_that_means(host):
    capture = ask(host)
    store(capture.id, 0, start_ns=0, end_ns=SECOND)
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
