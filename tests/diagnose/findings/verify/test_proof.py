"""Did the change help? From stored readings to a verdict, with a finding that lasts, ends, pauses or comes back."""

from datetime import UTC, datetime, timedelta

import pytest

from diagnose.findings.describe import as_json
from diagnose.findings.record import Window, record
from diagnose.findings.verify.due import judge, verify_due
from diagnose.models import Change, Finding
from diagnose.models.change import ChangeLink
from tests.diagnose.findings.evaluations import evaluation, judgement
from tests.diagnose.findings.verify.traffic import Traffic, flow

pytestmark = pytest.mark.django_db
NOW = datetime.now(UTC).replace(microsecond=0)
CHANGED = NOW - timedelta(minutes=7)
BEFORE = CHANGED - timedelta(minutes=11)
DROPPING = Traffic(drops=5.0)


@pytest.fixture
def finding(host, valkey, data_dir):
    """Opened eleven minutes before the change, and seen until then."""

    def make(seen_until=CHANGED, quiet=True, **fields):
        return Finding.objects.create(
            **{
                "host": host,
                "rule": "network.accept_queue_overflow",
                "service": "shop",
                "subject_key": "shop|0.0.0.0:8080",
                "headline": "shop drops connections",
                "confidence": 0.9,
                "impact_share": 0.5,
                "opened_at": BEFORE,
                "last_seen_at": seen_until,
                "quiet_since": seen_until if quiet else None,
                "window_from": seen_until - timedelta(minutes=2),
                "window_to": seen_until,
                "applied_at": CHANGED,
                "detail": DETAIL,
            }
            | fields
        )

    return make


ADVICE = {
    "kind": "sysctl",
    "target": "net.core.somaxconn",
    "current": "128",
    "proposed": "512",
    "undo": "sysctl -w net.core.somaxconn=128",
    "renderings": {},
}
DETAIL = {
    "calibrated": False,
    "subject": {"service": "shop", "listener": "0.0.0.0:8080"},
    "impact": {"share": 0.5, "value": 5, "unit": "1/s", "text": "lost"},
    "evidence": [
        {
            "kind": "supports",
            "role": "decides",
            "text": "5 a second",
            "metric": "listener_drops_total",
            "value": 5.0,
            "unit": "1/s",
            "threshold": 0.0,
            "source": "",
            "labels": {"listener": "0.0.0.0:8080"},
            "profile": None,
        }
    ],
    "ruled_out": [],
    "unknown": [],
    "recommendations": [ADVICE],
    "will_not_help": [],
}


def verdict(finding):
    judge(finding, NOW)
    told = Finding.objects.get(pk=finding.pk).verification
    return told, {each["name"]: each for each in told["measures"]}


def test_a_fix_that_ends_the_trouble_is_improved_though_the_process_was_restarted(host, finding):
    flow(host, BEFORE, CHANGED, DROPPING)
    flow(host, CHANGED, NOW, Traffic(pid=900), seed=2)
    told, measures = verdict(finding())
    assert told["verdict"] == "improved"
    drops = measures["own.listener_drops_total"]
    assert (drops["verdict"], drops["after"]) == ("better", 0)
    assert measures["latency_p99"]["verdict"] == "unchanged"
    assert measures["cpu_by_request"]["verdict"] == "unchanged"
    assert told["load"]["metric"] == "http_server_seconds"
    assert told["undo"] == []


def test_a_change_that_changes_nothing_is_no_effect(host, finding):
    flow(host, BEFORE, CHANGED, DROPPING)
    flow(host, CHANGED, NOW, DROPPING, seed=2)
    told, measures = verdict(finding(seen_until=NOW, quiet=False))
    assert told["verdict"] == "no effect"
    assert measures["own.listener_drops_total"]["verdict"] == "unchanged"


def test_a_change_that_makes_users_wait_longer_is_worse_and_offers_the_undo(host, finding):
    flow(host, BEFORE, CHANGED, DROPPING)
    flow(host, CHANGED, NOW, Traffic(scale=0.05), seed=2)
    told, measures = verdict(finding())
    assert told["verdict"] == "worse"
    assert measures["latency_p99"]["verdict"] == "worse"
    assert told["undo"] == ["sysctl -w net.core.somaxconn=128"]


def test_trouble_that_went_with_its_load_is_not_improved(host, finding):
    flow(host, BEFORE, CHANGED, DROPPING)
    flow(host, CHANGED, NOW, Traffic(rate=30.0), seed=2)
    told, _ = verdict(finding())
    assert told["verdict"] == "not enough data"
    assert "load" in told["reason"]
    assert told["ready_at"]


def test_a_minute_after_the_change_it_counts_down(host, finding):
    flow(host, BEFORE, CHANGED, DROPPING)
    flow(host, CHANGED, NOW, Traffic(), seed=2)
    found = finding()
    judge(found, CHANGED + timedelta(seconds=100))
    told = Finding.objects.get(pk=found.pk).verification
    assert told["verdict"] == "not enough data"
    assert told["ready_at"] > told["judged_at"]


def test_a_trouble_that_used_to_pause_for_long_is_not_gone_after_a_short_pause(host, finding):
    flow(host, BEFORE, CHANGED, DROPPING)
    flow(host, CHANGED, NOW, Traffic(), seed=2)
    told, _ = verdict(finding(detail={**DETAIL, "longest_gap_seconds": 400.0}))
    assert told["verdict"] == "not enough data"


def test_a_trouble_that_was_followed_within_a_minute_is_judged_by_its_usual_load(host, finding):
    flow(host, CHANGED - timedelta(seconds=100), CHANGED, DROPPING)
    flow(host, CHANGED, NOW, Traffic(), seed=2)
    assert verdict(finding(opened_at=CHANGED - timedelta(seconds=60)))[0]["verdict"] == "improved"


def test_without_readings_before_it_says_so(host, finding):
    flow(host, CHANGED, NOW, Traffic(), seed=2)
    told, _ = verdict(finding())
    assert (told["verdict"], told["measures"]) == ("not enough data", [])
    assert "before the change" in told["reason"]


def test_a_value_that_was_set_back_is_undone_and_not_no_effect(host, finding):
    flow(host, BEFORE, CHANGED, DROPPING)
    flow(host, CHANGED, NOW, DROPPING, seed=2)
    found = finding(seen_until=NOW, quiet=False)
    changes = (("128", "512", CHANGED), ("512", "128", CHANGED + timedelta(minutes=3)))
    for before, after, at in changes:
        change = Change.objects.create(
            host=host,
            kind=Change.Kind.SETTING,
            name="sysctl.net.core.somaxconn",
            before=before,
            after=after,
            at=at,
        )
        ChangeLink.objects.create(change=change, finding=found, relation=ChangeLink.Relation.DURING)
    told, _ = verdict(found)
    assert told["verdict"] == "undone"
    assert "configuration management" in told["reason"]


def test_a_followed_recommendation_is_noticed_without_a_word(host, finding):
    flow(host, BEFORE, CHANGED, DROPPING)
    flow(host, CHANGED, NOW, Traffic(), seed=2)
    found = finding(applied_at=None)
    for name in ("sysctl.net.ipv4.tcp_fin_timeout", "sysctl.net.core.somaxconn"):
        change = Change.objects.create(
            host=host, kind=Change.Kind.SETTING, name=name, before="128", after="512", at=CHANGED
        )
        ChangeLink.objects.create(change=change, finding=found, relation=ChangeLink.Relation.DURING)
    verify_due(NOW)
    found.refresh_from_db()
    assert found.applied_at == CHANGED
    assert found.verification["verdict"] == "improved"
    kinds = [note.kind for note in found.notes.all()]
    assert kinds == ["applied", "improved"]
    verify_due(NOW + timedelta(seconds=5))
    assert found.notes.count() == 2


def test_a_relapse_reopens_the_finding_and_is_told_beside_the_verdict(host):
    (found,) = record(host, evaluation(judgement()), at := _window(NOW - timedelta(minutes=20)))
    Finding.objects.filter(pk=found.pk).update(
        applied_at=at.end, verification={"verdict": "improved", "relapsed_at": None}
    )
    record(host, evaluation(), _window(NOW - timedelta(minutes=15)))
    record(host, evaluation(), _window(NOW - timedelta(minutes=10)))
    assert Finding.objects.get().state == "resolved"
    record(host, evaluation(judgement()), _window(NOW))
    again = Finding.objects.get()
    assert again.state == "open"
    assert as_json(again)["verification"]["relapsed_at"] == NOW.isoformat().replace("+00:00", "Z")


def test_the_longest_pause_is_remembered(host):
    for minutes in (10, 9, 8.5):
        record(
            host,
            evaluation(*([judgement()] if minutes != 9 else [])),
            _window(NOW - timedelta(minutes=minutes)),
        )
    assert Finding.objects.get().detail["longest_gap_seconds"] == 90.0


def _window(end):
    return Window(end - timedelta(seconds=120), end)
