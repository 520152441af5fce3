"""A finding has exactly the form that the API promises."""

import json

from diagnose.findings import query
from diagnose.findings.describe import as_json
from diagnose.findings.record import record
from tests.diagnose.findings.evaluations import GIL, at, evaluation, judgement

PROMISED = {
    "id", "rule", "state", "rank", "headline", "subject", "opened_at", "last_seen_at", "closed_at", "window",
    "confidence", "calibrated", "impact", "evidence", "explains", "explained_by", "ruled_out", "unknown",
    "recommendations", "will_not_help", "verification", "url",
}  # fmt: skip


def described(host):
    record(host, evaluation(judgement(explained_by=1), judgement(GIL)), at(0))
    return {finding.rule: as_json(finding) for finding in query.list_findings()}


def test_all_that_the_api_promises_is_there(host):
    for finding in described(host).values():
        assert set(finding) >= PROMISED
        assert json.loads(json.dumps(finding)) == finding


def test_times_are_iso_8601_in_utc(host):
    finding = described(host)[GIL]
    assert finding["opened_at"] == "2026-05-01T12:00:00Z"
    assert finding["window"] == {"from": "2026-05-01T11:58:00Z", "to": "2026-05-01T12:00:00Z"}
    assert finding["closed_at"] is None


def test_cause_and_symptom_point_at_each_other(host):
    symptom, cause = (described(host)[rule] for rule in ("network.accept_queue_overflow", GIL))
    assert cause["explains"] == [symptom["id"]]
    assert symptom["explained_by"] == cause["id"]


def test_the_subject_leaves_out_what_does_not_apply(host):
    findings = described(host)
    assert findings[GIL]["subject"] == {"host": "web-1", "host_id": host.pk, "service": "shop", "pid": 812}
    assert findings["network.accept_queue_overflow"]["subject"]["listener"] == "0.0.0.0:8080"


def test_evidence_links_to_the_page_that_shows_it(host):
    reading, samples = described(host)[GIL]["evidence"]
    assert reading["chart"].startswith(f"/hosts/{host.pk}?from=")
    assert samples["chart"].startswith("/profile?host=")
    assert "type=wall" in samples["chart"]


def test_a_recommendation_carries_its_value_formula_and_way_back(host):
    (recommendation,) = described(host)[GIL]["recommendations"]
    assert recommendation["kind"] == "application_setting"
    assert (recommendation["current"], recommendation["proposed"]) == ("16", "1024")
    assert recommendation["formula"]
    assert "16" in recommendation["undo"]
    forms = {"shell", "dry_run", "sysctl_d", "systemd", "ansible", "kubernetes", "text"}
    assert set(recommendation["renderings"]) == forms
