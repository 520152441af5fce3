"""`/experiments`: two times compared at equal load, gates, load tests beside them; and what cannot be compared."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from diagnose.models import AuditEntry, Fact, FactChange, Host
from tests.diagnose.experiments.test_loadtests import HISTORY_HEAD, WRK
from tests.diagnose.findings.verify.traffic import Traffic, flow

NOW = datetime.now(UTC).replace(microsecond=0)
MIDDLE = NOW - timedelta(minutes=6)
BEGIN = MIDDLE - timedelta(minutes=10)


def side(host, start, end, service="shop"):
    return {"host_id": host.pk, "service": service, "from": start.isoformat(), "to": end.isoformat()}


@pytest.fixture
def make(ask, operator, host):
    def create(status=201, **fields):
        asked = {
            "title": "twice as slow",
            "before": side(host, BEGIN, MIDDLE),
            "after": side(host, MIDDLE, NOW),
        }
        return ask("/experiments", body=asked | fields, user=operator, status=status)

    return create


@pytest.fixture
def slower(host, valkey, data_dir):
    """Ten minutes at 20 ms and six at 40 ms, at one load."""
    flow(host, BEGIN, MIDDLE, Traffic())
    flow(host, MIDDLE, NOW, Traffic(scale=0.04), seed=2)
    fact = {"host": host, "name": "sysctl.net.core.somaxconn", "at": MIDDLE}
    FactChange.objects.create(**fact, before="128", after="4096")


def test_two_times_are_compared_with_what_changed_between_them_and_gates(make, slower, ask):
    gates = [{"measure": "latency_p99", "at_most": 0.1}, {"measure": "leak", "at_most": 1}]
    made = make(gates=gates)
    assert made["verdict"] == "worse"
    p99 = next(each for each in made["measures"] if each["name"] == "latency_p99")
    assert 0.7 < p99["relative"] < 1.3
    assert p99["low"] > 0
    assert made["load"] == "http_server_seconds"
    assert made["unequal"] == [{"name": "sysctl.net.core.somaxconn", "before": "128", "after": "4096"}]
    assert [each["outcome"] for each in made["gates"]] == ["failed", "not measured"]
    assert ask(f"/experiments/{made['id']}") == made
    assert ask("/experiments")["results"] == [made]
    assert AuditEntry.objects.filter(action="create experiment").exists()


def test_load_tests_stand_beside_a_side_and_gates_can_be_set_on_them(make, slower, ask, operator):
    made = make(gates=[{"measure": "load_test.p99", "at_most": 0.01}])
    path = f"/experiments/{made['id']}/load-tests"
    wrk = {"side": "after", "name": "ci", "text": WRK.decode()}
    found = ask(path, body=wrk, user=operator)
    assert found["load_tests"][0]["tool"] == "wrk"
    assert found["gates"][0]["outcome"] == "passed"
    rows = [f"{at},{at},,Aggregated,{100 * at},0,{at},{2**at},9,{at},0" for at in range(1, 6)]
    history = {"side": "before", "text": "\n".join([HISTORY_HEAD, *rows])}
    knee = ask(path, body=history, user=operator)["load_tests"][1]["knee"]
    assert knee["reached"]
    refused = ask(path, body={"side": "after", "text": "hello"}, user=operator, status=422)
    assert "no result of wrk" in refused["detail"]


def test_two_hosts_are_compared_with_how_their_facts_differ(make, slower, host):
    other = Host.objects.create(identity="other", name="web-2")
    flow(other, MIDDLE, NOW, Traffic(), seed=3)
    for each, cpus in ((host, "2"), (other, "4")):
        Fact.objects.create(host=each, name="cpu.count", value=cpus, since=NOW)
    made = make(after=side(other, MIDDLE, NOW))
    assert made["verdict"] == "no effect"
    assert made["unequal"] == [{"name": "cpu.count", "before": "2", "after": "4"}]


def test_an_empty_time_is_not_enough_data(make, host, data_dir):
    assert make()["verdict"] == "not enough data"


@pytest.mark.parametrize(
    ("after", "told"),
    [
        ({"host_id": 99}, "after: there is no host 99"),
        ({"from": NOW.isoformat(), "to": MIDDLE.isoformat()}, "is not before"),
        ({"from": (NOW - timedelta(days=9)).isoformat()}, "is longer than"),
    ],
)
def test_what_cannot_be_compared_says_which_side_and_why(make, host, after, told):
    assert told in make(status=422, after=side(host, MIDDLE, NOW) | after)["detail"]


def test_viewers_look_and_do_not_compare(ask, host):
    asked = {"title": "x", "before": side(host, BEGIN, MIDDLE), "after": side(host, MIDDLE, NOW)}
    ask("/experiments", body=asked, status=403)
    assert ask("/experiments")["results"] == []
    ask("/experiments/nothing", status=404)
