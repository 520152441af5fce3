"""The Hosts page."""

import json
import re
from datetime import UTC, datetime, timedelta

import pytest

from diagnose.models import Host


@pytest.fixture
def hosts(db, data_dir):
    """Two live, one late, one silent and one that never sent."""
    now = datetime.now(UTC)
    seen = {"web-1": 1, "web-2": 5, "db-1": 100, "batch-7": 3600, "new-1": None}
    for number, (name, seconds) in enumerate(seen.items()):
        at = None if seconds is None else now - timedelta(seconds=seconds)
        Host.objects.create(identity=f"{number:032x}", name=name, last_seen_at=at)


def names(client, query=""):
    return re.findall(r'href="/hosts/\d+">([^<]+)<', client.get(f"/hosts{query}").content.decode())


def test_it_shows_each_host_and_sums_them_up(seen, hosts):
    assert len(names(seen)) == 5
    assert "5 hosts: 2 live, 1 late, 1 silent, 1 nothing yet" in seen.get("/hosts").content.decode()


def test_it_filters_by_name_and_state(seen, hosts):
    assert names(seen, "?q=WEB") == ["web-1", "web-2"]
    assert names(seen, "?state=silent") == ["batch-7"]
    assert names(seen, "?q=web&state=silent") == []
    assert "No host fits the filter" in seen.get("/hosts?q=none").content.decode()


def test_it_orders_by_any_column_with_the_unknown_last(seen, hosts):
    assert names(seen, "?order=name") == ["batch-7", "db-1", "new-1", "web-1", "web-2"]
    assert names(seen, "?order=-name") == ["web-2", "web-1", "new-1", "db-1", "batch-7"]
    assert names(seen, "?order=seen") == ["batch-7", "db-1", "web-2", "web-1", "new-1"]
    assert sorted(names(seen, "?order=password")) == sorted(names(seen))


def test_it_shows_how_a_host_is_from_its_readings(seen, faulty, read):
    faulty("small_backlog")
    for cpu, idle in (("0", 10), ("1", 2)):
        read("cpu_seconds_total", [idle] * 4, counter=True, cpu=cpu, mode="idle")
        read("cpu_seconds_total", [10 - idle] * 4, counter=True, cpu=cpu, mode="user")
    read("memory_MemTotal_bytes", [4 * 2**30])
    read("memory_MemAvailable_bytes", [3 * 2**30])
    cells = re.findall(r">\s*([^<>\s][^<>]*?)\s*<", seen.get("/hosts").content.decode().split("<tbody>")[1])
    assert cells[:7] == ["live", "web-1", "1", "40 %", "2", "25 %", "4.0 GiB"]
    assert "0.1.0" in cells


def test_the_number_of_queries_does_not_grow_with_the_hosts(seen, hosts, django_assert_max_num_queries):
    with django_assert_max_num_queries(12) as few:
        seen.get("/hosts")
    for number in range(100, 140):
        Host.objects.create(identity=f"{number:032x}", name=f"more-{number}")
    with django_assert_max_num_queries(len(few)):
        seen.get("/hosts")


def test_before_the_first_host_it_tells_what_happens_next(seen, data_dir):
    assert "Waiting for the first collector" in seen.get("/hosts").content.decode()


@pytest.fixture
def fleet(data_dir):
    """Three hundred hosts; every tenth is late, one has a name that is not one."""
    now = datetime.now(UTC)
    Host.objects.bulk_create(
        Host(
            identity=f"{number:032x}",
            name=f"web-{number:03}" if number else "<script>alert(1)</script>",
            last_seen_at=now - timedelta(seconds=120 if number % 10 == 0 else 1),
        )
        for number in range(300)
    )


def test_of_a_large_fleet_the_first_rows_come_at_once_and_all_for_the_script(seen, fleet):
    page = seen.get("/hosts").content.decode()
    assert page.count("<tr data-key=") == 150 + 1, "with the model of a row"
    assert "150 more are not shown" in page
    given = json.loads(page.split('<script id="all-rows" type="application/json">')[1].split("</script>")[0])
    assert len(given["rows"]) == 300
    assert given["address"] == "/hosts/rows"
    assert "<script>alert" not in page


def test_a_large_fleet_filters_and_orders_without_script_too(seen, fleet):
    page = seen.get("/hosts?q=web-29&order=-name").content.decode()
    assert re.findall(r">(web-\d+)</a>", page) == [f"web-{number}" for number in range(299, 289, -1)]
    assert "30 late" in page


def test_rows_come_with_their_readings(seen, host, read):
    for mode, seconds in (("idle", 6), ("user", 4)):
        read("cpu_seconds_total", [seconds] * 4, counter=True, cpu="0", mode=mode)
    (row,) = seen.get("/hosts/rows").json()["rows"]
    assert row[0] == "web-1"
    assert row[2] == pytest.approx(0.4)
    assert row[9:12] == [host.pk, "never", "40 %"]


def test_rows_of_thousands_take_no_more_queries(seen, fleet, django_assert_max_num_queries):
    for path in ("/hosts", "/hosts/rows"):
        with django_assert_max_num_queries(12):
            seen.get(path)
