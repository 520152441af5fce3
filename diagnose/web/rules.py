"""The Rules pages: what is recognised, how, by which thresholds, how often it was found, and how right that was."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from diagnose.access.pages import PageRequest, page
from diagnose.correlate import calibration, catalogue, engine
from diagnose.correlate.calibration import Measured
from diagnose.correlate.catalogue import Rule
from diagnose.findings import fired
from diagnose.findings.fired import Fired

COUNTED = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Row:
    """`measured` is None for a rule that no recorded fault is of."""

    rule: Rule
    fired: Fired
    measured: Measured | None


@page()
def rules(request: PageRequest) -> HttpResponse:
    """All rules, by their ids."""
    counted, measured = fired.by_rule(timezone.now() - COUNTED), calibration.calibration()
    context = {
        "rows": [
            Row(each, counted.get(each.id, Fired()), measured.rules.get(each.id))
            for each in catalogue.all_rules()
        ],
        "days": COUNTED.days,
        "calibration": measured,
        "weights": engine.weights(),
    }
    return render(request, "rules.html", context)


@page()
def rule(request: PageRequest, rule_id: str) -> HttpResponse:
    """One rule: its documentation, thresholds and what it was worth."""
    found = catalogue.find(rule_id)
    if found is None:
        raise Http404(f"There is no rule {rule_id}.")
    context = {
        "rule": found,
        "fired": fired.by_rule(timezone.now() - COUNTED).get(rule_id, Fired()),
        "days": COUNTED.days,
        "measured": calibration.calibration().rules.get(rule_id),
        "explained_by": [each.id for each in catalogue.all_rules() if rule_id in each.explains],
    }
    return render(request, "rule.html", context)
