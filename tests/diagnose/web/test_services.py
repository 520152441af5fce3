"""The Services page and the page of one service."""

import re
from datetime import UTC, datetime
from urllib.parse import quote

import pytest

from diagnose.models import Host, Series

EVIL = "<script>alert('x')</script>\"'&{{ 7 }}\u202e" + "🦜" * 20 + "x" * 10_000


def text(client, path):
    return " ".join(client.get(path).content.decode().split())


@pytest.fixture
def shop(host, read, counted):
    """A shop that answers 240 requests a minute, 60 of them with an error, and asks a database."""
    where = {"listener": "0.0.0.0:8080", "service": "shop", "method": "GET", "route": "/", "netns": ""}
    counted("http_server_seconds", {60: 180}, status_class="2xx", **where)
    counted("http_server_seconds", {120: 60}, status_class="5xx", **where)
    counted(
        "dependency_seconds", {80: 90}, dst="127.0.0.1:5432", service="shop", protocol="postgresql", netns=""
    )
    read("service_run_seconds_total", [5, 5, 5, 5], counter=True, service="shop")
    read("service_threads_waiting", [3, 3, 3], service="shop", wait="poll")
    read(
        "listener_accept_queue_limit", [128], listener="127.0.0.1:5432", pid="9", service="postgres", netns=""
    )
    return host


def test_a_service_has_its_rate_errors_latency_and_cpu(seen, shop):
    row = text(seen, "/services").split(">shop</a>")[1].split("</tr>")[0]
    cells = [re.sub(r"<[^>]+>|\s+", " ", cell).strip() for cell in re.findall(r"<td[^>]*>(.*?)</td>", row)]
    assert cells[1:3] == ["0.267/s", "25 %"]
    assert cells[4] == "50 %"
    assert cells[6] == "1"


def test_services_without_requests_are_not_said_to_have_none(seen, shop):
    row = text(seen, "/services").split(">postgres</a>")
    assert len(row) == 1, "it only listens: nothing was measured of its work"
    Series.objects.filter(metric="http_server_seconds").delete()
    row = text(seen, "/services").split(">shop</a>")[1].split("</tr>")[0]
    assert "0/s" not in row


def test_calls_lead_to_the_service_that_listens_there(seen, shop):
    shown = text(seen, "/services")
    assert "shop → postgres: 0.1/s" in shown
    assert "/service?name=postgres&amp;from=-15m" in shown


def test_it_filters_and_orders(seen, shop, read):
    read("service_run_seconds_total", [1, 1, 1], counter=True, service="cron")
    names = re.findall(r'<tr data-key="([^"]+)"', text(seen, "/services?order=name"))
    assert names == ["cron", "shop"]
    assert re.findall(r'<tr data-key="([^"]+)"', text(seen, "/services?q=CRO")) == ["cron"]
    assert "No service fits the filter" in text(seen, "/services?q=nothing")
    assert "No service was seen yet" not in text(seen, "/services?q=nothing")


def test_before_the_first_host_it_tells_where_services_come_from(seen, data_dir):
    assert "No service was seen yet" in text(seen, "/services")


def test_the_page_of_a_service_has_its_figures_hosts_and_time(seen, shop):
    shown = text(seen, "/service?name=shop")
    for words in (
        "0.267/s",
        "25 %",
        'class="triage__bar"',
        "shop → postgres",
        f'href="/hosts/{shop.pk}?from=-15m"',
    ):
        assert words in shown
    groups = re.findall(r'id="charts-(\w+)"', shown)
    assert groups == ["requests", "work"], "no Go and no Python was measured"


def test_its_charts_count_each_answer_once_by_class(seen, shop):
    charts = seen.get("/service/charts?name=shop&group=requests").json()["charts"]
    assert [one["name"] for one in charts["rate"]["data"]] == ["2xx", "5xx"]
    counts = [value for row in charts["latency"]["data"][0]["z"] for value in row if value]
    assert sorted(counts) == [60, 180]
    assert charts["accept"] is None


def test_a_finding_of_the_service_stands_on_its_page_and_shades_its_charts(seen, faulty, host):
    finding = faulty("gil_contention")
    shown = text(seen, f"/service?name={quote(finding.service)}")
    assert f'href="/findings/{finding.pk}"' in shown
    assert "Top functions" in shown
    charts = seen.get(f"/service/charts?name={quote(finding.service)}").json()["charts"]
    bands = [
        [one for one in figure["layout"]["shapes"] if one["name"] == "band"]
        for figure in charts.values()
        if figure
    ]
    assert bands
    assert {len(some) for some in bands} == {1}


def test_hosts_add_up_and_stand_side_by_side(seen, shop, read):
    other = Host.objects.create(identity="b" * 32, name="web-2", last_seen_at=datetime.now(UTC))
    series = Series.objects.get(metric="service_run_seconds_total")
    Series.objects.create(
        host=other, metric=series.metric, labels=series.labels, counter=True, digest=series.digest
    )
    assert ">2</td>" in text(seen, "/services").split(">shop</a>")[1].split("</tr>")[0]


@pytest.mark.parametrize("name", [EVIL, "\x00", "", "no such service"])
def test_a_name_that_is_no_service_is_shown_harmlessly(seen, host, data_dir, name):
    answer = seen.get("/service", {"name": name})
    assert answer.status_code == 200
    assert "<script>alert" not in answer.content.decode()
    assert "Nothing was measured of this service" in " ".join(answer.content.decode().split())
    assert set(seen.get("/service/charts", {"name": name}).json()["charts"].values()) == {None}


def test_hostile_names_become_no_markup(seen, host, read, counted):
    read("service_run_seconds_total", [1, 1, 1], counter=True, service=EVIL)
    counted("dependency_seconds", {80: 9}, dst=EVIL, service=EVIL, protocol=EVIL, netns="")
    for path in ("/services", f"/service?name={quote(EVIL)}"):
        assert "<script>alert" not in seen.get(path).content.decode()


def test_the_number_of_queries_does_not_grow_with_what_there_is(
    seen, shop, read, django_assert_max_num_queries
):
    for path in ("/services", "/service?name=shop", "/service/charts?name=shop"):
        with django_assert_max_num_queries(12):
            seen.get(path)
    for number in range(40):
        read("service_run_seconds_total", [1, 1], counter=True, service=f"svc-{number}")
    for path in ("/services", "/service?name=shop"):
        with django_assert_max_num_queries(12):
            seen.get(path)


def test_what_a_request_costs_is_told_by_layer(seen, faulty, counted, read):
    finding = faulty("gil_contention")
    where = {
        "listener": "0.0.0.0:8080",
        "service": finding.service,
        "method": "GET",
        "route": "/",
        "netns": "",
    }
    counted("http_server_seconds", {60: 90}, status_class="2xx", **where)
    read("service_run_seconds_total", [5, 5, 5, 5], counter=True, service=finding.service)
    table = text(seen, f"/service?name={quote(finding.service)}").split('id="layers"')[1].split("</table>")[0]
    shares = [float(share) for share in re.findall(r"([\d.]+) %", table)]
    assert sum(shares) == pytest.approx(100, abs=len(shares))
    assert re.search(r"own|Own", table)
    assert re.search(r"[\d.]+ (ms|s)</td>", table)
