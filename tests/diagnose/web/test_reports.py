"""Reports: made of what was found, kept as they were, taken along as files, opened by a link until it expires."""

import json
import re
from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client
from django.utils.html import escape

from diagnose.models import AuditEntry, Finding, Host, Report, Token
from diagnose.reports.diagnosis import kept
from diagnose.reports.diagnosis.document import Scope, Span

LINK = re.compile(r"http://testserver(/reports/shared/[\w-]+)")


def text(answer) -> str:
    return " ".join(answer.content.decode().split())


@pytest.fixture
def acting(as_user, operator):
    return as_user(operator)


@pytest.fixture
def made(acting, host, faulty) -> Report:
    faulty("gil_contention")
    answer = acting.post("/reports/make", {"host": str(host.pk), "from": "-1h"})
    assert answer.status_code == 302
    return Report.objects.get()


def test_a_report_has_the_causes_with_their_proof_their_symptoms_and_what_to_do(seen, made):
    shown = text(seen.get(f"/reports/{made.pk}"))
    root, symptom = Finding.objects.get(rank=1), Finding.objects.exclude(explained_by=None).get()
    for said in (root.headline, symptom.headline, root.detail["impact"]["text"].split(",")[0][1:]):
        assert escape(said) in shown
    for line in root.detail["evidence"]:
        assert escape(line["text"]) in shown
    for advice in root.detail["recommendations"]:
        assert escape(advice["target"]) in shown
    assert '<path class="picture__curve picture__curve--1"' in shown
    assert f'href="/findings/{root.pk}"' in shown
    assert made.causes == 1


def test_a_report_stays_as_it_was_made(seen, made):
    before = Finding.objects.get(rank=1).headline
    Finding.objects.all().delete()
    assert escape(before) in text(seen.get(f"/reports/{made.pk}"))


def test_a_quiet_window_says_that_nothing_was_found(acting, host, data_dir):
    acting.post("/reports/make", {"host": str(host.pk), "from": "-1h"})
    shown = text(acting.get(f"/reports/{Report.objects.get().pk}"))
    assert f"Nothing was found wrong with {host.name}" in shown


def test_the_file_needs_nothing_else_and_runs_nothing(seen, made):
    answer = seen.get(f"/reports/{made.pk}/file.html")
    body = answer.content.decode()
    assert answer["Content-Disposition"] == f'attachment; filename="report-{made.pk}.html"'
    assert not re.search(r"<(script|link|img|iframe)\b|\ssrc=|url\(|@import", body)
    assert "http://" not in body.replace("http://www.w3.org", "")
    assert len(body) < 3_000_000
    assert ".picture__band" in body


def test_markdown_and_json_hold_the_same(seen, made):
    headline = made.document["causes"][0]["finding"]["headline"]
    markdown = seen.get(f"/reports/{made.pk}/file.md").content.decode()
    assert f"## 1. {headline}".replace("_", "\\_") in markdown
    assert f"http://testserver/reports/{made.pk}" in markdown
    found = json.loads(seen.get(f"/reports/{made.pk}/file.json").content)
    assert found["causes"][0]["finding"]["headline"] == headline
    assert seen.get(f"/reports/{made.pk}/file.exe").status_code == 404


def test_a_link_opens_this_report_to_anybody_until_it_is_closed(acting, made):
    shown = acting.post(f"/reports/{made.pk}/share", {"days": "7"})
    assert shown["Cache-Control"] == "no-store"
    path = LINK.search(shown.content.decode())[1]
    anybody = Client()
    opened = anybody.get(path)
    assert opened.status_code == 200
    assert escape(made.document["causes"][0]["finding"]["headline"]) in opened.content.decode()
    assert 'href="/findings' not in opened.content.decode()
    secret = path.rpartition("/")[2]
    assert anybody.get("/api/v1/findings", headers={"Authorization": f"Bearer {secret}"}).status_code == 403
    acting.post(f"/reports/{made.pk}/unshare")
    assert anybody.get(path).status_code == 401
    assert AuditEntry.objects.filter(action="share report", subject=made.pk).exists()


def test_a_link_that_expired_or_was_never_made_opens_nothing(acting, made, host_token):
    path = LINK.search(acting.post(f"/reports/{made.pk}/share", {"days": "1"}).content.decode())[1]
    Token.objects.filter(kind="share").update(expires_at=datetime.now(UTC) - timedelta(seconds=1))
    for closed in (path, "/reports/shared/dgs_nothing", f"/reports/shared/{host_token}"):
        answer = Client().get(closed)
        assert answer.status_code == 401
        assert "opens no report" in answer.content.decode()


def test_a_viewer_reads_reports_and_neither_makes_shares_nor_deletes_them(seen, made):
    assert "New report" not in text(seen.get("/reports"))
    assert seen.post("/reports/make", {"from": "-1h"}).status_code == 403
    for action in ("share", "unshare", "delete"):
        assert seen.post(f"/reports/{made.pk}/{action}").status_code == 403
    assert Report.objects.filter(pk=made.pk).exists()


def test_deleting_a_report_closes_its_links(acting, made):
    path = LINK.search(acting.post(f"/reports/{made.pk}/share", {"days": "1"}).content.decode())[1]
    acting.post(f"/reports/{made.pk}/delete")
    assert acting.get(f"/reports/{made.pk}").status_code == 404
    assert Client().get(path).status_code == 401


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"host": "999"}, "no host here"),
        ({"host": "x"}, "no host here"),
        ({"from": "tomorrow"}, "is not a time"),
        ({"from": "2026-01-01", "to": "2026-03-01"}, "up to 31 days"),
        ({"from": "2026-01-02", "to": "2026-01-01"}, "is not before"),
    ],
)
def test_what_cannot_be_reported_is_said(acting, data_dir, given, said):
    answer = acting.post("/reports/make", given, follow=True)
    assert said in text(answer)
    assert not Report.objects.exists()


def test_two_reports_beside_each_other_tell_what_is_new_and_what_is_gone(acting, host, faulty, seen):
    faulty("small_backlog")
    before = Finding.objects.values().get(rank=1)
    now = datetime.now(UTC)
    span = Span(now - timedelta(hours=1), now + timedelta(minutes=1))
    first = kept.make(Scope("host", host.pk, host.name), span, "tester")
    Finding.objects.all().delete()
    Finding.objects.create(
        **{**before, "id": "0" * 26, "rule": "app.other", "headline": "something else is slow"}
    )
    second = kept.make(Scope("host", host.pk, host.name), span, "tester")
    shown = text(seen.get(f"/reports/compare?a={second.pk}&b={first.pk}"))
    assert "New: 1" in shown
    assert "Gone: 1" in shown
    gone, new = (each.document["causes"][0]["finding"]["headline"] for each in (first, second))
    assert shown.index(escape(new)) < shown.index("Gone: 1") < shown.index(escape(gone))
    assert seen.get("/reports/compare?a=x&b=y").status_code == 404


def test_hostile_names_stay_text(acting, host, faulty):
    evil = "<script>alert(1)</script>"
    Host.objects.filter(pk=host.pk).update(name=evil)
    Finding.objects.filter(pk=faulty("gil_contention").pk).update(headline=evil, service=evil)
    report = kept.make(Scope("fleet"), Span(datetime.now(UTC) - timedelta(hours=1), datetime.now(UTC)), evil)
    for path in (f"/reports/{report.pk}", f"/reports/{report.pk}/file.html", "/reports"):
        assert evil not in acting.get(path).content.decode()
    assert "\\<script\\>" in acting.get(f"/reports/{report.pk}/file.md").content.decode()
