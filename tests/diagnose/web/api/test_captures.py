"""`/captures`: ask, look, call off."""

from __future__ import annotations

import msgspec
import pytest
from django.utils import timezone

from collectors.wire import Command
from diagnose import queue
from diagnose.models import AuditEntry, Capture, Fact, Host, User

pytestmark = pytest.mark.django_db


def wanted(host: Host, **fields):
    return {
        "target": {"host": host.pk, "pid": 812},
        "kind": "cpu",
        "seconds": 5,
        "hz": 50,
        "reason": "slow",
    } | fields


def test_a_request_becomes_a_command_for_the_host_and_an_audit_entry(
    ask, host: Host, operator: User, valkey
) -> None:
    made = ask("/captures", user=operator, body=wanted(host), status=201)
    assert made["state"] == "queued"
    assert made["requested_by"] == "oskar"
    ((_, fields),) = valkey.xrange(queue.commands_stream(host.pk))
    command = msgspec.msgpack.decode(fields[b"command"], type=Command)
    assert (command.id, command.target.pid, command.seconds, command.hz) == (made["id"], 812, 5.0, 50)
    assert AuditEntry.objects.get().action == "request capture"
    assert ask(f"/captures/{made['id']}")["reason"] == "slow"


def test_a_host_may_be_given_by_name_and_a_service_instead_of_a_pid(
    ask, host: Host, operator: User, valkey
) -> None:
    body = wanted(host, target={"host": "web-1", "service": "shop.py"})
    assert ask("/captures", user=operator, body=body, status=201)["target"]["service"] == "shop.py"


def test_a_viewer_may_look_but_not_ask(ask, host: Host, valkey) -> None:
    assert "operator" in ask("/captures", body=wanted(host), status=403)["detail"]
    assert ask("/captures")["results"] == []


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"seconds": 0.5}, "seconds"),
        ({"seconds": "long"}, "seconds"),
        ({"hz": 1000}, "hz"),
        ({"kind": "offcpu"}, "kind"),
        ({"target": {"host": 1}}, "target.host"),
        ({"target": {"host": "nowhere", "pid": 1}}, "target.host"),
        ({"reason": "x" * 501}, "reason"),
        ({"reason": "slow\0"}, "reason"),
        ({"target": {"host": "web-1", "service": "shop\0"}}, "target.service"),
        ({"sekonds": 5}, "body"),
    ],
)
def test_what_does_not_fit_is_refused_by_field(
    ask, host: Host, operator: User, valkey, fields, field: str
) -> None:
    host_id = host.pk
    if fields.get("target") == {"host": 1}:
        fields, field = {"target": {"host": host_id}}, "target"
    problem = ask("/captures", user=operator, body=wanted(host, **fields), status=422)
    assert field in problem["errors"], problem
    assert not Capture.objects.exists()


def test_cancelling_twice_is_told(ask, host: Host, operator: User, valkey) -> None:
    made = ask("/captures", user=operator, body=wanted(host), status=201)
    address = f"/captures/{made['id']}"
    assert ask(address, method="DELETE", user=operator)["state"] == "cancelled"
    assert "cancelled" in ask(address, method="DELETE", user=operator, status=409)["detail"]
    ask(address, method="DELETE", status=403)


def test_the_list_is_newest_first_in_pages_that_new_captures_do_not_shift(
    ask, host: Host, operator: User, valkey
) -> None:
    made = [Capture.objects.create(host=host, seconds=1, hz=1, requested_by="x").id for _ in range(3)]
    first = ask("/captures?limit=2")
    assert [each["id"] for each in first["results"]] == made[:0:-1]
    Capture.objects.create(host=host, seconds=1, hz=1, requested_by="x")
    second = ask(first["next"].partition("/api/v1")[2])
    assert [each["id"] for each in second["results"]] == made[:1]
    assert second["next"] is None


def test_the_list_is_filtered_by_state_host_and_person(ask, host: Host) -> None:
    done = Capture.objects.create(host=host, seconds=1, hz=1, requested_by="ada", state="done")
    Capture.objects.create(host=host, seconds=1, hz=1, requested_by="oskar")
    assert [each["id"] for each in ask("/captures?state=done")["results"]] == [done.id]
    assert [each["id"] for each in ask("/captures?by=ada&host=web-1")["results"]] == [done.id]
    assert len(ask("/captures?state=open")["results"]) == 1
    assert "state" in ask("/captures?state=gone", status=422)["errors"]
    assert "NUL" in ask("/captures?by=%00", status=422)["errors"]["by"]


def test_an_unknown_capture_is_not_found(ask, host: Host) -> None:
    assert ask("/captures/01J", status=404)["title"] == "No such capture"


def test_the_list_is_filtered_by_kind_and_service(ask, host: Host) -> None:
    asked = Capture.objects.create(
        host=host, seconds=1, hz=10, requested_by="ada", service="shop", kind="offcpu"
    )
    found = Capture.objects.create(host=host, seconds=1, hz=10, requested_by="ada", result_service="shop")
    Capture.objects.create(host=host, seconds=1, hz=10, requested_by="ada")
    assert [each["id"] for each in ask("/captures?service=shop")["results"]] == [found.id, asked.id]
    assert [each["id"] for each in ask("/captures?service=shop&kind=cpu")["results"]] == [found.id]
    assert [each["id"] for each in ask("/captures?kind=offcpu")["results"]] == [asked.id]


def test_the_kinds_are_listed_with_what_a_host_lacks(ask, host: Host) -> None:
    assert {each["missing"] for each in ask("/captures/kinds")["results"]} == {None}
    Fact.objects.create(host=host, name="capture.offcpu", value="no eBPF here", since=timezone.now())
    found = {each["name"]: each["missing"] for each in ask("/captures/kinds?host=web-1")["results"]}
    assert found["offcpu"] == "no eBPF here"
    assert "upgrade it" in found["python_cpu"]
    assert "host" in ask("/captures/kinds?host=nowhere", status=422)["errors"]


def test_a_container_is_a_target(ask, host: Host, operator: User, valkey) -> None:
    body = wanted(host, target={"host": host.pk, "container": "0123456789ab"})
    assert ask("/captures", user=operator, body=body, status=201)["target"]["container"] == "0123456789ab"
    body = wanted(host, target={"host": host.pk, "container": "shop"})
    assert "target.container" in ask("/captures", user=operator, body=body, status=422)["errors"]
