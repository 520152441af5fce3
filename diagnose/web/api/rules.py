"""`/rules`: what is recognised, how, and how right that was on recorded faults."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone

from diagnose.access.endpoints import ApiRequest, endpoint
from diagnose.access.problems import Problem
from diagnose.correlate import calibration, catalogue, engine
from diagnose.findings import fired
from diagnose.findings.fired import Fired
from diagnose.models.access import Role
from diagnose.web.api.answers import Answer
from diagnose.web.api.describe import described

_COUNTED = timedelta(days=30)


class Threshold(Answer, frozen=True):
    """`text` has its unit, and why it is this one."""

    name: str
    value: str
    text: str


class Measured(Answer, frozen=True):
    """On recorded runs: of `runs` with this cause it was found in `found`; of its `findings`, `right` were true."""

    runs: int
    found: int
    findings: int
    right: int


class Rule(Answer, frozen=True):
    """`sections`: Symptom, Cause, Evidence, Recommendation, Source. Counts are of the last 30 days.

    `right` and `wrong` are what people said of its findings; `measured` is None where no recorded fault is of it.
    """

    id: str
    title: str
    sections: dict[str, str]
    explains: list[str]
    reads: list[str]
    thresholds: list[Threshold]
    open: int
    found: int
    right: int
    wrong: int
    measured: Measured | None
    url: str


class Band(Answer, frozen=True):
    """Of `count` verdicts that claimed from `low` to `high`, `claimed` on average, `right` were."""

    low: float
    high: float
    claimed: float
    count: int
    right: int


class RuleList(Answer, frozen=True):
    """All rules, and what a confidence is worth: `reliability` is of weights that had not seen the kind of fault."""

    results: list[Rule]
    calibrated: bool
    reliability: list[Band]
    next: None = None


@endpoint("GET", role=Role.VIEWER)
@described(answer=RuleList)
def rules(_request: ApiRequest) -> RuleList:
    """All rules by their ids, with their documentation, how often they found something, and how right that was."""
    counted, measured = fired.by_rule(timezone.now() - _COUNTED), calibration.calibration()
    return RuleList(
        [_rule(each, counted.get(each.id, Fired())) for each in catalogue.all_rules()],
        engine.weights().calibrated,
        [Band(each.low, each.high, each.claimed, each.count, each.right) for each in measured.reliability],
    )


@endpoint("GET", role=Role.VIEWER)
@described(answer=Rule)
def rule(_request: ApiRequest, rule_id: str) -> Rule:
    """One rule."""
    found = catalogue.find(rule_id)
    if found is None:
        raise Problem(404, "No such rule", f"There is no rule {rule_id!r}: GET /api/v1/rules lists them.")
    return _rule(found, fired.by_rule(timezone.now() - _COUNTED).get(rule_id, Fired()))


def _rule(each: catalogue.Rule, counted: Fired) -> Rule:
    measured = calibration.calibration().rules.get(each.id)
    return Rule(
        id=each.id,
        title=each.title,
        sections=dict(each.sections),
        explains=list(each.explains),
        reads=list(each.reads),
        thresholds=[Threshold(one.name, one.value, one.text) for one in each.thresholds],
        open=counted.open,
        found=counted.all,
        right=counted.right,
        wrong=counted.wrong,
        measured=None
        if measured is None
        else Measured(measured.runs, measured.found, measured.findings, measured.right),
        url=f"/rules/{each.id}",
    )
