"""The Hosts page."""

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
    with django_assert_max_num_queries(14) as few:
        seen.get("/hosts")
    for number in range(100, 140):
        Host.objects.create(identity=f"{number:032x}", name=f"more-{number}")
    with django_assert_max_num_queries(len(few)):
        seen.get("/hosts")


def test_before_the_first_host_it_tells_what_happens_next(seen, data_dir):
    assert "Waiting for the first collector" in seen.get("/hosts").content.decode()
