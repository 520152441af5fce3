"""`/captures/groups`: one request, a capture on each host, and their profiles as one."""

from __future__ import annotations

import time

import pytest

from diagnose.captures import progress
from diagnose.captures.progress import Stored
from diagnose.models import AuditEntry, Capture, Host, User
from tests.diagnose.web import recorded

pytestmark = pytest.mark.django_db


@pytest.fixture
def other() -> Host:
    return Host.objects.create(identity="e" * 32, name="web-2")


def wanted(*hosts: Host, **fields):
    return {
        "target": {"hosts": [host.pk for host in hosts], "service": "shop.py"},
        "kind": "python_cpu",
        "seconds": 5,
        "hz": 100,
        "reason": "slow on all",
    } | fields


def finish(identifier: str) -> int:
    """What its collector took is stored; how many samples it has."""
    capture = Capture.objects.get(pk=identifier)
    stacks = recorded.shop_stacks("cpu", capture_id=identifier, end_ns=time.time_ns())
    recorded.send(capture.host, stacks)
    total = stacks.columns.total
    stored = Stored("shop.py", ["cpu"], "samples", stacks.start_ns, stacks.end_ns, total)
    progress.complete(identifier, stored)
    return total


def test_hosts_are_asked_at_once_and_their_profiles_are_shown_as_one(
    ask, host: Host, other: Host, operator: User, valkey, data_dir
) -> None:
    made = ask("/captures/groups", user=operator, body=wanted(host, other, host), status=201)
    assert made["states"] == {"queued": 2}
    assert made["result"] is None
    problem = ask(f"/profiles/flamegraph?capture_group={made['id']}", status=409)
    assert "No capture of group" in problem["detail"]
    first, second = [finish(each["id"]) for each in made["captures"]]
    found = ask(f"/captures/groups/{made['id']}")
    assert found["states"] == {"done": 2}
    assert found["result"] == {"service": "shop.py", "types": ["cpu"], "hosts": ["web-1", "web-2"]}
    graph = ask(f"/profiles/flamegraph?capture_group={made['id']}")
    assert (graph["total"], graph["seconds"]) == (first + second, 10.0)
    one = ask(f"/profiles/flamegraph?capture={made['captures'][0]['id']}")
    assert one["nodes_total"] == graph["nodes_total"]
    top = ask(f"/profiles/top?capture_group={made['id']}&limit=5")
    assert (top["total"], top["profiles"]) == (first + second, 2)
    diff = ask(f"/profiles/diff?capture_group={made['id']}")
    assert (diff["total"], diff["base"]["total"]) == (first + second, 0)
    assert AuditEntry.objects.filter(detail__group=made["id"]).count() == 2


def test_a_group_that_makes_no_sense_is_refused_by_field(ask, host: Host, operator: User, valkey) -> None:
    for fields, field in (
        ({"target": {"hosts": [], "service": "shop.py"}}, "target.hosts"),
        ({"target": {"hosts": ["nowhere"], "service": "shop.py"}}, "target.hosts"),
        ({"target": {"hosts": [host.pk]}}, "target"),
        ({"hz": 1}, "hz"),
    ):
        problem = ask("/captures/groups", user=operator, body=wanted(host, **fields), status=422)
        assert field in problem["errors"], problem
    assert "operator" in ask("/captures/groups", body=wanted(host), status=403)["detail"]
    assert not Capture.objects.exists()


def test_a_group_is_called_off_as_a_whole(ask, host: Host, other: Host, operator: User, valkey) -> None:
    made = ask("/captures/groups", user=operator, body=wanted(host, other), status=201)
    address = f"/captures/groups/{made['id']}"
    assert ask(address, method="DELETE", user=operator)["states"] == {"cancelled": 2}
    assert "have ended" in ask(address, method="DELETE", user=operator, status=409)["detail"]
    ask(address, method="DELETE", status=403)
    assert ask("/captures/groups/none", status=404)["title"] == "No such group"
