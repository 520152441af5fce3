"""The Host page and the figures of its charts."""

import json
import re
from datetime import UTC, datetime, timedelta

import pytest

from diagnose.models import Change, Fact, FactChange, Finding, Host, IngestGap, ProbeState, ResourceForecast
from diagnose.reports.host_charts import GROUPS, TITLES

NOW = datetime.now(UTC)


def text(client, path):
    return " ".join(client.get(path).content.decode().split())


def test_a_host_that_never_sent_anything_has_a_page(seen, host, data_dir):
    shown = text(seen, f"/hosts/{host.pk}")
    for words in ("No listener was seen", "No process was seen", "No group with limits", "Last seen never"):
        assert words in shown
    charts = seen.get(f"/hosts/{host.pk}/charts").json()["charts"]
    assert charts == dict.fromkeys(TITLES)


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
    assert "<summary> 1 resolved in this time range </summary>" in shown
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


def test_what_was_lost_and_a_clock_that_is_off_stand_above_the_charts(seen, host, data_dir):
    IngestGap.objects.create(host=host, epoch="e", first_seq=120, last_seq=131)
    Host.objects.update(clock_skew_seconds=8.4)
    shown = text(seen, f"/hosts/{host.pk}")
    assert "batches 120 to 131 will never come" in shown
    assert "8 s ahead" in shown


def test_an_empty_chart_says_why_and_how_to_get_it(seen, host, data_dir):
    reason = "this kernel is too old: 4.19, and tcp_rtt need 5.8"
    ProbeState.objects.create(host=host, probe="tcp_rtt", ok=False, reason=reason, updated_at=NOW)
    chart = text(seen, f"/hosts/{host.pk}").split('data-chart="rtt"')[1].split(">")[0]
    assert f"Not measured here: {reason}." in chart
    assert "To get it: Linux 5.8 or newer." in chart


def test_each_group_of_charts_comes_by_itself(seen, host, faulty):
    faulty("small_backlog")
    for group, (_title, names) in GROUPS.items():
        assert set(seen.get(f"/hosts/{host.pk}/charts?group={group}").json()["charts"]) == set(names)


def test_a_chart_that_a_finding_rests_on_says_so(seen, host, faulty):
    finding = faulty("small_backlog")
    figure = text(seen, f"/hosts/{host.pk}").split('data-chart="accept-queue"')[0].rpartition("<figure")[2]
    assert f"evidence of {finding.rank}" in figure


def test_a_change_is_a_mark_on_every_chart(seen, host, faulty):
    faulty("small_backlog")
    at = NOW - timedelta(minutes=1)
    Change.objects.create(host=host, kind="setting", name="sysctl.x", before="1", after="<b>2</b>", at=at)
    charts = seen.get(f"/hosts/{host.pk}/charts").json()["charts"]
    signs = [figure["layout"]["annotations"] for figure in charts.values() if figure]
    assert {len(some) for some in signs} == {1}
    assert signs[0][0]["hovertext"] == "sysctl.x: 1 → &lt;b&gt;2&lt;/b&gt;"
    assert signs[0][0]["x"] == int(at.timestamp() * 1000)


def test_round_trip_times_can_be_narrowed_to_a_port(seen, host, counted):
    counted("tcp_rtt_seconds", {40: 3, 60: 1}, port="443")
    counted("tcp_rtt_seconds", {90: 7}, port="22")
    assert '<option value="port:443" >port 443</option>' in text(seen, f"/hosts/{host.pk}")

    def most(query):
        chart = seen.get(f"/hosts/{host.pk}/charts?group=network{query}").json()["charts"]["rtt"]
        return max(value for row in chart["data"][0]["z"] for value in row if value)

    assert most("") == 7
    assert most("&rtt=port:443") == 3
    assert seen.get(f"/hosts/{host.pk}/charts?rtt=port:1").json()["charts"]["rtt"] is None


def test_a_host_that_was_deleted_is_said_to_be_gone(seen, host, data_dir):
    gone = host.pk
    host.delete()
    for address in (f"/hosts/{gone}", f"/hosts/{gone}/charts"):
        assert seen.get(address).status_code == 404


def test_a_range_that_cannot_be_shown_is_said_and_the_default_is_shown(seen, host, data_dir):
    shown = text(seen, f"/hosts/{host.pk}?from=yesterday")
    assert "is not a time" in shown
    assert "Showing the last 15 minutes" in shown
    assert re.search(r'aria-current="true"\s+aria-label="Last 15m">15m<', shown)


def test_the_number_of_queries_does_not_grow_with_what_the_host_has(
    seen, host, faulty, read, django_assert_max_num_queries
):
    faulty("gil_contention")
    with django_assert_max_num_queries(14):
        seen.get(f"/hosts/{host.pk}")
    with django_assert_max_num_queries(14):
        seen.get(f"/hosts/{host.pk}/charts")
    for pid in range(50):
        read("process_open_fds", [1], pid=str(pid), service="s")
    with django_assert_max_num_queries(14):
        seen.get(f"/hosts/{host.pk}")


def test_what_fills_up_is_told_with_the_time_it_lasts(seen, host, data_dir):
    row = {"host": host, "level": 800, "limit": 1024, "per_second": 0.1, "slowest": 0.05, "fastest": 0.2}
    times = {"seconds": 2240, "soonest": 1120, "latest": 4480, "at": NOW}
    ResourceForecast.objects.create(
        resource="process_fds", labels={"pid": "7", "service": "shop"}, state="fills", **row, **times
    )
    ResourceForecast.objects.create(resource="tasks", state="returns", **row, at=NOW)
    shown = text(seen, f"/hosts/{host.pk}").split('id="lasting-table"')[1].split("</section>")[0]
    assert "<strong>37 min 20 s</strong>" in shown or "<strong>37 min</strong>" in shown
    assert "shop 7" in shown
    assert "comes back by itself" in shown
    assert shown.index("shop 7") < shown.index("comes back by itself")


def test_what_could_not_be_checked_is_said_with_why(seen, host, faulty):
    assert "Not judged yet" in text(seen, f"/hosts/{host.pk}")
    faulty("small_backlog")
    shown = text(seen, f"/hosts/{host.pk}").split('id="unchecked-list"')[1].split("</section>")[0]
    assert "could not be checked" in shown
    assert "not checked: not enough readings in the window" in shown
