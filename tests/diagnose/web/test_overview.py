"""The first page."""

import re
from datetime import UTC, datetime, timedelta

from django.utils.html import escape

from diagnose.models import Change, Finding, Host


def text(client, path="/"):
    return client.get(path).content.decode()


def test_before_the_first_host_it_tells_what_happens_next(seen, data_dir):
    shown = text(seen)
    assert "Ready for the first host" in shown
    assert "appears here" in shown
    assert 'href="/collectors">Collectors</a> has the two lines to run there' in shown


def test_a_quiet_host_is_said_to_be_quiet(seen, host, data_dir):
    Host.objects.update(last_seen_at=datetime.now(UTC))
    shown = text(seen)
    assert "Nothing is wrong that the rules can see" in shown
    assert "web-1" in shown


def test_a_silent_host_is_not_said_to_be_fine(seen, host, data_dir):
    Host.objects.update(last_seen_at=datetime.now(UTC) - timedelta(hours=1))
    assert "1 host does not report" in " ".join(text(seen).split())


def test_the_worst_root_cause_stands_there_with_its_symptoms_folded(seen, faulty):
    finding = faulty("gil_contention")
    shown = text(seen)
    assert "1 problem on 1 of 1 host" in shown
    assert shown.count('class="panel card') == 1
    assert escape(finding.headline) in shown
    assert "Explains 1 symptom" in shown


def test_the_grid_has_the_finding_where_it_holds_and_work_where_it_is_done(seen, faulty, read):
    finding = faulty("gil_contention")
    read("service_run_seconds_total", [5, 5, 5], counter=True, service="cron")
    grid = " ".join(text(seen).split('id="fleet"')[1].split("</table>")[0].split())
    assert re.findall(r'class="grid__name"[^>]*>([^<]*)<', grid) == [finding.service, "cron"]
    assert f'class="cell cell--bad" href="/findings/{finding.pk}"' in grid
    assert 'class="cell cell--3"' in grid


def test_what_changed_in_the_last_hour_is_there_and_older_is_not(seen, host, data_dir):
    now = datetime.now(UTC)
    for minutes, name in ((5, "sysctl.new"), (90, "sysctl.old")):
        at = now - timedelta(minutes=minutes)
        Change.objects.create(host=host, kind="setting", name=name, before="1", after="2", at=at)
    shown = text(seen)
    assert "sysctl.new" in shown
    assert "sysctl.old" not in shown


def test_what_was_fixed_stands_there_with_what_helped(seen, faulty):
    finding = faulty("small_backlog")
    assert "No finding was resolved." in text(seen)
    now = datetime.now(UTC)
    Finding.objects.update(state="resolved", closed_at=now, applied_at=now, rank=0)
    fixed = text(seen).split('id="fixed"')[1]
    assert f'href="/findings/{finding.pk}"' in fixed
    assert "after a change" in fixed


def test_the_number_of_queries_does_not_grow_with_the_hosts(seen, faulty, django_assert_max_num_queries):
    faulty("gil_contention")
    Host.objects.bulk_create(Host(identity=f"{n:032x}", name=f"more-{n}") for n in range(100, 400))
    with django_assert_max_num_queries(12):
        seen.get("/")
