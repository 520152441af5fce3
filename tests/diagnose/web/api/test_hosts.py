"""`/hosts`, `/services` and `/series`."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from diagnose.models import Fact, FactChange, Host, HostEvent, ProbeState
from tests.diagnose.web import recorded

pytestmark = pytest.mark.django_db


def test_hosts_come_by_name_and_the_filter_ignores_case(ask, host: Host) -> None:
    Host.objects.create(identity="b" * 32, name="DB-1")
    assert [each["name"] for each in ask("/hosts")["results"]] == ["DB-1", "web-1"]
    assert [each["name"] for each in ask("/hosts?q=db")["results"]] == ["DB-1"]


def test_pages_follow_each_other_by_next(ask, host: Host) -> None:
    for number in range(2, 6):
        Host.objects.create(identity=str(number) * 32, name=f"web-{number}")
    seen, path = [], "/hosts?q=web&limit=2"
    while path:
        page = ask(path)
        seen += [each["name"] for each in page["results"]]
        path = page["next"] and page["next"].partition("/api/v1")[2]
    assert seen == ["web-1", "web-2", "web-3", "web-4", "web-5"]


def test_a_host_has_the_state_of_its_probes(ask, host: Host) -> None:
    ProbeState.objects.create(
        host=host, probe="pressure", ok=False, reason="no PSI in this kernel", updated_at=datetime.now(UTC)
    )
    found = ask(f"/hosts/{host.pk}")
    assert found["failing_probes"] == 1
    assert found["probes"][0]["reason"] == "no PSI in this kernel"


def test_an_unknown_host_is_told_with_the_remedy(ask, db) -> None:
    problem = ask("/hosts/99", status=404)
    assert "99" in problem["detail"]
    assert "/api/v1/hosts" in problem["detail"]


def test_facts_come_with_what_changed_in_the_range(ask, host: Host) -> None:
    now = datetime.now(UTC)
    name = "sysctl.net.core.somaxconn"
    Fact.objects.create(host=host, name=name, value="4096", since=now)
    for minutes, before in ((5, "128"), (500, "64")):
        FactChange.objects.create(
            host=host, name=name, before=before, after="x", at=now - timedelta(minutes=minutes)
        )
    found = ask(f"/hosts/{host.pk}/facts?from=-1h")
    assert [fact["value"] for fact in found["results"]] == ["4096"]
    assert [change["before"] for change in found["changes"]] == ["128"]


def test_changes_of_facts_come_in_pages_and_by_the_beginning_of_their_name(ask, host: Host) -> None:
    now = datetime.now(UTC)
    for minutes, name in (
        (9, "sysctl.net.core.somaxconn"),
        (6, "kernel.release"),
        (3, "sysctl.net.ipv4.tcp_rmem"),
    ):
        FactChange.objects.create(
            host=host, name=name, before="1", after="2", at=now - timedelta(minutes=minutes)
        )
    page = ask(f"/hosts/{host.pk}/facts/changes?from=-1h&limit=2")
    assert [each["name"] for each in page["results"]] == ["sysctl.net.core.somaxconn", "kernel.release"]
    rest = ask(page["next"].partition("/api/v1")[2])
    assert [each["name"] for each in rest["results"]] == ["sysctl.net.ipv4.tcp_rmem"]
    found = ask(f"/hosts/{host.pk}/facts/changes?from=-8m&name=sysctl.net.")["results"]
    assert [each["name"] for each in found] == ["sysctl.net.ipv4.tcp_rmem"]
    assert len(ask(f"/hosts/{host.pk}/facts?from=-1h&limit=2")["changes"]) == 2


def test_events_of_a_range_come_in_pages_and_by_kind(ask, host: Host) -> None:
    now = datetime.now(UTC)
    for minutes, kind in ((50, "counter_reset"), (9, "process_appeared"), (3, "counter_reset")):
        HostEvent.objects.create(
            host=host, kind=kind, at=now - timedelta(minutes=minutes), fields={"pid": str(minutes)}
        )
    page = ask(f"/hosts/{host.pk}/events?from=-1h&limit=2")
    assert [each["fields"] for each in page["results"]] == [{"pid": "50"}, {"pid": "9"}]
    assert [each["fields"]["pid"] for each in ask(page["next"].partition("/api/v1")[2])["results"]] == ["3"]
    found = ask(f"/hosts/{host.pk}/events?from=-1h&to=-5m&kind=counter_reset")["results"]
    assert [each["fields"]["pid"] for each in found] == ["50"]
    assert ask("/hosts/99/events", status=404)["status"] == 404


def test_a_service_tells_where_and_as_what_it_was_profiled(ask, host: Host, valkey, data_dir) -> None:
    recorded.send(host, recorded.shop_stacks("cpu"), recorded.shop_stacks("gil"))
    (service,) = ask("/services")["results"]
    assert service["name"] == "shop.py"
    assert service["types"] == ["cpu", "gil"]
    assert service["hosts"] == [{"id": host.pk, "name": "web-1"}]
    assert ask(f"/services/{service['id']}")["seconds"] == pytest.approx(10)
    assert ask(f"/services/{service['id']}?from=-2h&to=-1h")["profiles"] == 0
    assert ask("/services/99", status=404)["status"] == 404


def test_series_are_rates_for_counters_and_keep_their_labels(ask, host: Host, valkey, data_dir) -> None:
    labels = {"cpu": "0", "mode": "user"}
    recorded.send(host, recorded.points("cpu_seconds_total", [4.0, 4.0, 4.0], labels, counter=True))
    (line,) = ask("/series?metric=cpu_seconds_total&host=web-1&label.cpu=0")["results"]
    assert line["labels"] == labels
    assert line["agg"] == "rate"
    assert line["values"] == pytest.approx([0.8, 0.8, 0.8])
    assert line["times"][0].endswith("Z")
    assert ask("/series?metric=cpu_seconds_total&label.cpu=1")["results"] == []


def test_series_of_a_service_and_another_aggregate(ask, host: Host, valkey, data_dir) -> None:
    recorded.send(host, *recorded.shop_process())
    (line,) = ask("/series?metric=process_cpu_seconds_total&service=shop.py&agg=max&points=2")["results"]
    assert max(line["values"]) == pytest.approx(2.3)
    assert len(line["values"]) <= 3


def test_the_greatest_numbers_are_answered_and_sums_beyond_them_left_out(
    ask, host: Host, valkey, data_dir
) -> None:
    recorded.send(host, recorded.points("load1", [1.7e308, 2.0**63, 5e-324], {}))
    (line,) = ask("/series?metric=load1&agg=max")["results"]
    assert line["values"] == [1.7e308, 2.0**63, 5e-324]
    recorded.send(host, recorded.points("load5", [1.7e308] * 3, {}))
    for shown in ask("/series?metric=load5&agg=sum&points=2&from=-10m")["results"]:
        assert all(value < float("inf") for value in shown["values"])


@pytest.mark.parametrize(
    ("query", "field", "word"),
    [
        ("", "metric", "missing"),
        ("metric=x&points=1", "points", "2 to 5000"),
        ("metric=x&agg=median", "agg", "one of"),
        ("metric=x&from=yesterday", "from", "yesterday"),
        ("metric=x&from=-1h&to=-2h", "from", "not before"),
        ("metric=x&host=nowhere", "host", "nowhere"),
        ("metric=x&sevice=shop", "sevice", "not a parameter"),
        ("metric=x&after=-3", "after", "not a place"),
        ("metric=" + "x" * 600, "metric", "longer"),
        ("metric=x&limit=0", "limit", "1 to 1000"),
        ("metric=x&from=%00", "from", "NUL character"),
        ("metric=x&host=99999999999999999999999", "host", "no host"),
    ],
)
def test_a_query_that_does_not_fit_names_the_field(
    ask, query: str, field: str, word: str, host: Host
) -> None:
    problem = ask(f"/series?{query}", status=422)
    assert field in problem["errors"]
    assert word in problem["detail"]
