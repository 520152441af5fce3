"""The Rules pages: what each rule is, how often it found something, and how right that was."""

from __future__ import annotations

import re

import pytest
from django.utils.html import escape

from diagnose.access.actor import Actor
from diagnose.correlate import calibration, catalogue
from diagnose.findings import actions
from diagnose.models import Finding

pytestmark = pytest.mark.django_db
RULE = "network.accept_queue_overflow"


def text(client, path):
    return " ".join(client.get(path).content.decode().split())


def figures(shown: str, rule: str) -> list[str]:
    """Open, found, and what people said."""
    row = shown.split(f'data-key="{rule}"')[1].split("</tr>")[0]
    cells = row.split('<td class="number">')[1:4]
    return [re.sub(r"<[^>]*>", "", cell).strip() for cell in cells]


def test_every_rule_is_listed_with_its_title(seen):
    shown = text(seen, "/rules")
    for rule in catalogue.all_rules():
        assert f'href="/rules/{rule.id}"' in shown
        assert escape(rule.title) in shown


def test_what_was_found_and_said_of_it_is_counted(seen, faulty, operator):
    assert figures(text(seen, "/rules"), RULE) == ["0", "0", "0 / 0"]
    finding = faulty("small_backlog")
    assert finding.rule == RULE
    actor = Actor(operator.username, operator.role, None, None, None)
    actions.feedback(finding, actor, right=True)
    actions.feedback(finding, actor, right=False, text="no")
    assert figures(text(seen, "/rules"), RULE) == ["1", "1", "1 / 1"]
    Finding.objects.update(state="resolved", closed_at=finding.last_seen_at)
    assert figures(text(seen, "/rules"), RULE) == ["0", "1", "1 / 1"]


def test_what_recordings_showed_stands_beside_it_with_its_number(seen):
    measured = calibration.calibration().rules[RULE]
    shown = text(seen, f"/rules/{RULE}")
    assert f"({measured.right} of {measured.findings} findings)" in shown
    assert f"({measured.found} of {measured.runs} runs)" in shown


def test_a_rule_shows_its_documentation_and_its_thresholds_with_their_reasons(seen):
    rule = catalogue.find(RULE)
    shown = text(seen, f"/rules/{RULE}")
    for words in rule.sections.values():
        assert escape(words) in shown
    assert rule.thresholds
    for each in rule.thresholds:
        assert each.name in shown
        assert escape(each.text) in shown
    assert "listener_accept_queue_length" in shown


def test_a_rule_that_does_not_exist_is_not_found(seen):
    assert seen.get("/rules/a.mood").status_code == 404


def test_what_a_confidence_is_worth_is_shown_by_bands(seen):
    shown = text(seen, "/rules")
    for band in calibration.calibration().reliability:
        assert f'<td class="number">{band.count}</td>' in shown


def test_a_finding_leads_to_its_rule(seen, faulty):
    finding = faulty("small_backlog")
    assert f'href="/rules/{finding.rule}"' in text(seen, f"/findings/{finding.pk}")
