"""The Host page and the figures of its charts."""

import json
import re
from datetime import UTC, datetime, timedelta

import pytest

from diagnose.models import Fact, FactChange, Finding, Host, IngestGap, ProbeState, QuarantinedBatch
from diagnose.reports.host_charts import CHARTS

NOW = datetime.now(UTC)


def text(client, path):
    return " ".join(client.get(path).content.decode().split())


def test_a_host_that_never_sent_anything_has_a_page(seen, host, data_dir):
    shown = text(seen, f"/hosts/{host.pk}")
    for words in ("No listener was seen", "No process was seen", "No probe has reported", "Last seen never"):
        assert words in shown
    charts = seen.get(f"/hosts/{host.pk}/charts").json()["charts"]
    assert charts == dict.fromkeys(CHARTS)


def test_the_figures_are_json_that_a_browser_can_read(seen, host, faulty):
    faulty("small_backlog")
    body = seen.get(f"/hosts/{host.pk}/charts?from=-1h").content
    charts = json.loads(body, parse_constant=pytest.fail)["charts"]
    assert charts["accept-queue"]["data"][0]["y"]
    assert charts["tcp-errors"]["layout"]["xaxis"]["range"][1] > charts["tcp-errors"]["data"][0]["x"][-1]


def test_a_root_cause_is_a_band_on_every_chart_and_its_symptom_is_not(seen, host, faulty):
    finding = faulty("gil_contention")
    charts = seen.get(f"/hosts/{host.pk}/charts").json()["charts"]
    drawn = [figure for figure in charts.values() if figure]
    bands = [[s for s in figure["layout"]["shapes"] if s.get("name") == "band"] for figure in drawn]
    assert drawn
    assert {len(found) for found in bands} == {1}
    assert bands[0][0]["label"]["text"] == str(finding.rank) == "1"


def test_findings_of_another_time_are_left_out(seen, host, faulty):
    finding = faulty("small_backlog")
    assert finding.rule in text(seen, f"/hosts/{host.pk}")
    before = int((NOW - timedelta(hours=3)).timestamp())
    shown = text(seen, f"/hosts/{host.pk}?from={before}&to={before + 600}")
    assert finding.rule not in shown
    assert "No finding on this host in this time range" in shown


def test_what_is_resolved_stands_folded_below_what_is_open(seen, host, faulty):
    finding = faulty("small_backlog")
    assert "resolved in this time range" not in text(seen, f"/hosts/{host.pk}")
    Finding.objects.update(state="resolved", closed_at=NOW, rank=0)
    shown = text(seen, f"/hosts/{host.pk}")
    assert "<summary>1 resolved in this time range</summary>" in shown
    assert f'href="/findings/{finding.pk}"' in shown
    assert "panel card" not in shown


def test_a_muted_finding_does_not_shade_the_charts(seen, host, faulty):
    finding = faulty("small_backlog")
    Finding.objects.update(state="muted")
    assert finding.rule not in text(seen, f"/hosts/{host.pk}")


def test_a_listener_shows_its_queue_against_its_limit(seen, host, read):
    where = {"listener": "[::]:8080", "service": "shop", "pid": "7", "netns": ""}
    read("listener_accept_queue_length", [0, 9, 1], **where)
    read("listener_accept_queue_limit", [8, 8, 8], **where)
    read("listener_drops_total", [0, 3, 4], counter=True, **where)
    row = text(seen, f"/hosts/{host.pk}").split("[::]:8080</th>")[1].split("</tr>")[0]
    assert re.findall(r'class="number">([\d,]+)<', row) == ["1", "9", "8", "7"]
    assert '<meter class="queue" value="1.1250"' in row


def test_processes_are_ordered_and_bounded_and_lead_to_their_profiles(seen, as_user, operator, host, read):
    for pid in range(40):
        where = {"pid": str(pid), "service": f"svc-{pid:02}"}
        read("process_resident_memory_bytes", [pid * 2**20], **where)
        read("process_info", [1], name="python3", runtime="python3.11" if pid == 39 else "native", **where)
    address = f"/hosts/{host.pk}?order=-memory"
    rows = re.findall(r'title="(svc-\d+)"', text(seen, address))
    assert rows == [f"svc-{pid:02}" for pid in range(39, 14, -1)]
    assert "Show 15 more processes" in text(seen, address)
    assert len(re.findall(r'title="svc-\d+"', text(seen, f"{address}&all=1"))) == 40
    assert "Profile now" not in text(seen, address)
    shown = as_user(operator).get(address).content.decode()
    assert re.findall(r'href="(/profile\?[^"]+)"', shown) == [
        f"/profile?host={host.pk}&amp;service=svc-39&amp;from=-15m"
    ]
    assert f"/captures?host={host.pk}&amp;pid=39&amp;service=svc-39" in shown


def test_open_files_stand_against_their_limit(seen, host, read):
    read("process_open_fds", [950], pid="5", service="shop")
    read("process_max_fds", [1024], pid="5", service="shop")
    shown = text(seen, f"/hosts/{host.pk}")
    assert '<meter value="0.9277"' in shown
    assert "of 1,024" in shown


def test_facts_and_their_changes_in_the_range_are_shown(seen, host, data_dir):
    Fact.objects.create(host=host, name="kernel.release", value="6.1.0", since=NOW)
    for minutes, before in ((5, "128"), (60, "64")):
        at = NOW - timedelta(minutes=minutes)
        FactChange.objects.create(
            host=host, name="sysctl.net.core.somaxconn", before=before, after="4096", at=at
        )
    shown = text(seen, f"/hosts/{host.pk}")
    assert "Linux 6.1.0" in shown
    assert ">128</span>" in shown
    assert ">64</span>" not in shown
    assert ">64</span>" in text(seen, f"/hosts/{host.pk}?from=-6h")


def test_the_collector_says_what_it_cannot_read_and_what_was_lost(seen, host, data_dir):
    reason = "this kernel has no /proc/pressure"
    ProbeState.objects.create(host=host, probe="pressure", ok=False, reason=reason, updated_at=NOW)
    IngestGap.objects.create(host=host, epoch="e", first_seq=120, last_seq=131)
    QuarantinedBatch.objects.create(host=host, epoch="e", seq=99, error="Expected `str`", payload=b"")
    Host.objects.update(clock_skew_seconds=8.4)
    shown = text(seen, f"/hosts/{host.pk}")
    for words in (
        reason,
        "batches 120 to 131 will never come",
        "(sequence 99)",
        "Expected `str`",
        "8 s ahead",
    ):
        assert words in shown


def test_a_range_that_cannot_be_shown_is_said_and_the_default_is_shown(seen, host, data_dir):
    shown = text(seen, f"/hosts/{host.pk}?from=yesterday")
    assert "is not a time" in shown
    assert "Showing the last 15 minutes" in shown
    assert re.search(r'aria-current="true"\s+aria-label="Last 15m">15m<', shown)


def test_the_number_of_queries_does_not_grow_with_what_the_host_has(
    seen, host, faulty, read, django_assert_max_num_queries
):
    faulty("gil_contention")
    with django_assert_max_num_queries(34):
        seen.get(f"/hosts/{host.pk}")
    with django_assert_max_num_queries(40):
        seen.get(f"/hosts/{host.pk}/charts")
    for pid in range(50):
        read("process_open_fds", [1], pid=str(pid), service="s")
    with django_assert_max_num_queries(34):
        seen.get(f"/hosts/{host.pk}")
