"""The page of one finding and what people can do there."""

import json
from datetime import UTC, datetime

import pytest
from django.utils.html import escape

from diagnose.models import AuditEntry, Finding


def text(client, path):
    return " ".join(client.get(path).content.decode().split())


@pytest.fixture
def acting(as_user, operator):
    return as_user(operator)


def test_it_says_what_is_wrong_what_proves_it_and_what_to_do(seen, faulty):
    finding = faulty("small_backlog")
    shown = text(seen, f"/findings/{finding.pk}")
    assert f"<h1>{escape(finding.headline)}</h1>" in shown
    detail = finding.detail
    for line in detail["evidence"]:
        assert escape(line["text"]) in shown
    for each in detail["ruled_out"]:
        assert each["rule"] in shown
        assert escape(each["reason"]) in shown
    for each in detail["will_not_help"]:
        assert escape(each["action"]) in shown
    advice = detail["recommendations"][0]
    assert f"{advice['current']} → <strong>{advice['proposed']}</strong>" in shown
    assert escape(advice["formula"]) in shown
    assert escape(advice["undo"]) in shown
    assert "uncalibrated" in shown
    assert "Uncalibrated:" in shown


def test_the_commands_stand_there_to_the_letter(seen, faulty):
    finding = faulty("small_backlog")
    body = seen.get(f"/findings/{finding.pk}").content.decode()
    for number, advice in enumerate(finding.detail["recommendations"], 1):
        for name, rendering in advice["renderings"].items():
            code = f'<code id="advice-{number}-{name}">{escape(rendering)}</code>'
            assert (code in body) == (rendering is not None)


def test_a_symptom_leads_to_its_root_cause_and_back(seen, faulty):
    root = faulty("gil_contention")
    symptom = Finding.objects.get(explained_by=root)
    shown = text(seen, f"/findings/{symptom.pk}")
    assert "Root cause" in shown
    assert f'href="/findings/{root.pk}"' in shown
    assert "Fix the root cause first" in shown
    back = text(seen, f"/findings/{root.pk}")
    assert "Explains" in back
    assert f'href="/findings/{symptom.pk}"' in back


def test_it_links_the_flame_graph_of_its_window(seen, faulty):
    finding = faulty("gil_contention")
    start, end = int(finding.window_from.timestamp()), int(finding.window_to.timestamp()) + 1
    link = f"/profile?host={finding.host_id}&service=service.py&type="
    shown = text(seen, f"/findings/{finding.pk}")
    assert escape(link) in shown
    assert escape(f"&from={start}&to={end}") in shown


def test_every_reading_has_a_chart_with_its_threshold_and_window(seen, faulty):
    finding = faulty("gil_contention")
    body = seen.get(f"/findings/{finding.pk}/charts").content
    charts = json.loads(body, parse_constant=pytest.fail)["charts"]
    page = text(seen, f"/findings/{finding.pk}")
    assert charts
    for name, figure in charts.items():
        assert f'data-chart="{name}"' in page
        kinds = [shape["type"] for shape in figure["layout"]["shapes"]]
        assert kinds.count("rect") == 1
    held = next(line for line in finding.detail["evidence"] if line["metric"] == "python_gil_held_ratio")
    first = charts["chart-1"]["layout"]["shapes"][0]
    assert first["y0"] == pytest.approx(held["threshold"] * 100)


def test_a_share_of_readings_is_no_threshold_among_the_readings(seen, faulty):
    finding = faulty("small_backlog")
    length = {"metric": "listener_accept_queue_length", "labels": {"listener": "x"}, "kind": "supports"}
    Finding.objects.filter(pk=finding.pk).update(
        detail=finding.detail
        | {
            "evidence": [
                {**finding.detail["evidence"][0], **length, "labels": {}, "unit": "ratio", "threshold": 0.3}
            ]
        }
    )
    figure = seen.get(f"/findings/{finding.pk}/charts").json()["charts"]["chart-1"]
    assert [shape["type"] for shape in figure["layout"]["shapes"]] == ["rect"]


def test_acting_is_noted_audited_and_shown(acting, faulty):
    finding = faulty("small_backlog")
    address = f"/findings/{finding.pk}"
    answer = acting.post(f"{address}/acknowledge", follow=True)
    assert answer.redirect_chain == [(address, 302)]
    assert "Noted: you are on it." in answer.content.decode()
    acting.post(f"{address}/applied", {"text": "backlog 8 → 64"})
    acting.post(f"{address}/feedback", {"verdict": "right", "text": "indeed"})
    shown = text(acting, address)
    assert "oskar is on it" in shown
    assert "backlog 8 → 64" in shown
    assert "right: indeed" in shown
    kinds = list(AuditEntry.objects.filter(actor="oskar").values_list("action", flat=True))
    assert kinds == ["feedback finding", "applied finding", "acknowledge finding"]


def test_muting_hides_it_until_it_is_shown_again(acting, faulty):
    finding = faulty("small_backlog")
    acting.post(f"/findings/{finding.pk}/mute", {"hours": "24", "text": "known"})
    assert Finding.objects.get(pk=finding.pk).state == "muted"
    assert finding.rule not in text(acting, "/findings")
    assert "Show it again" in text(acting, f"/findings/{finding.pk}")
    acting.post(f"/findings/{finding.pk}/unmute")
    assert finding.rule in text(acting, "/findings")


@pytest.mark.parametrize(
    ("action", "given", "says"),
    [
        ("mute", {}, "choose how long to mute"),
        ("mute", {"hours": "-5"}, "choose how long to mute"),
        ("mute", {"hours": "999999"}, "at most 90 days"),
        ("feedback", {"verdict": "<b>"}, "choose right or wrong"),
        ("applied", {"text": "x" * 5001}, "use at most 5000"),
        ("unmute", {}, "not muted"),
    ],
)
def test_a_form_that_does_not_fit_is_refused_in_words(acting, faulty, action, given, says):
    finding = faulty("small_backlog")
    answer = acting.post(f"/findings/{finding.pk}/{action}", given, follow=True)
    assert says in answer.content.decode()
    assert not finding.notes.exists()


def test_an_action_that_does_not_exist_is_not_found(acting, faulty):
    finding = faulty("small_backlog")
    assert acting.post(f"/findings/{finding.pk}/delete").status_code == 404
    assert acting.get(f"/findings/{finding.pk}/mute").status_code == 405


def test_a_resolved_finding_can_no_longer_be_muted_or_captured(acting, faulty):
    finding = faulty("small_backlog")
    Finding.objects.update(state="resolved", closed_at=datetime.now(UTC), rank=0)
    shown = text(acting, f"/findings/{finding.pk}")
    assert "/mute" not in shown
    assert "Profile this process now" not in shown


def test_the_number_of_queries_is_bounded(seen, faulty, django_assert_max_num_queries):
    finding = faulty("gil_contention")
    with django_assert_max_num_queries(10):
        seen.get(f"/findings/{finding.pk}")
    with django_assert_max_num_queries(30):
        seen.get(f"/findings/{finding.pk}/charts")


def test_a_change_is_watched_then_judged_on_the_page(seen, faulty):
    finding = faulty("small_backlog")
    assert "Did it help?" not in text(seen, f"/findings/{finding.pk}")
    Finding.objects.filter(pk=finding.pk).update(applied_at=datetime.now(UTC))
    assert "The first comparison comes within a minute" in text(seen, f"/findings/{finding.pk}")
    Finding.objects.filter(pk=finding.pk).update(verification=WORSE)
    shown = text(seen, f"/findings/{finding.pk}")
    assert "Latency p99 became worse at the same load." in shown
    assert "+50 %" in shown
    assert "12 ms" in shown
    assert "at equal load: 500 1/s before" in shown
    assert "sysctl -w net.core.somaxconn=128" in shown
    assert "It came back" in shown


WORSE = {
    "verdict": "worse",
    "reason": "latency p99 became worse at the same load",
    "changed_at": "2026-05-01T12:00:00Z",
    "judged_at": "2026-05-01T12:10:00Z",
    "ready_at": None,
    "before": {"from": "2026-05-01T11:00:00Z", "to": "2026-05-01T12:00:00Z"},
    "after": {"from": "2026-05-01T12:00:30Z", "to": "2026-05-01T12:10:00Z"},
    "load": {"metric": "http_server_seconds", "before": 500.0, "after": 510.0, "unit": "1/s"},
    "measures": [
        {
            "name": "latency_p99",
            "title": "latency p99",
            "unit": "s",
            "own": False,
            "before": 0.008,
            "after": 0.012,
            "low": 0.003,
            "high": 0.005,
            "relative": 0.5,
            "verdict": "worse",
        }
    ],
    "undo": ["sysctl -w net.core.somaxconn=128"],
    "relapsed_at": "2026-05-01T12:30:00Z",
}
