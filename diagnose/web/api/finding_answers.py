"""A finding as `diagnose.findings.describe` gives it, as types for the API's description."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec

from diagnose.web.api.answers import Answer, Unknown


class Subject(Answer, frozen=True, omit_defaults=True):
    """Where it applies."""

    host: str
    host_id: int
    service: str | msgspec.UnsetType = msgspec.UNSET
    pid: int | msgspec.UnsetType = msgspec.UNSET
    listener: str | msgspec.UnsetType = msgspec.UNSET
    netns: str | msgspec.UnsetType = msgspec.UNSET
    destination: str | msgspec.UnsetType = msgspec.UNSET
    cgroup: str | msgspec.UnsetType = msgspec.UNSET
    cpu: int | msgspec.UnsetType = msgspec.UNSET
    device: str | msgspec.UnsetType = msgspec.UNSET


class Impact(Answer, frozen=True):
    """What it costs: `share` of user time or requests, the same in a unit, and in words."""

    share: float
    value: float
    unit: str
    text: str


class Evidence(Answer, frozen=True):
    """One line of proof; `chart` is the page that shows it."""

    kind: Literal["supports", "contradicts", "missing"]
    role: Literal["decides", "separates", "corroborates"]
    text: str
    metric: str | None
    value: float | None
    unit: str | None
    threshold: float | None
    source: str | None
    labels: dict[str, str]
    profile: str | None
    chart: str | None


class RuledOut(Answer, frozen=True):
    """A lookalike and the reading that excludes it."""

    rule: str
    reason: str


class Renderings(Answer, frozen=True):
    """The change as text to type, to keep, to roll out and to tell; `dry_run` only reads and says what would change."""

    shell: str | None
    sysctl_d: str | None
    systemd: str | None
    ansible: str | None
    dry_run: str | None = None
    kubernetes: str | None = None
    text: str | None = None


class Input(Answer, frozen=True):
    """A measured reading that the proposed value comes from."""

    metric: str | None
    text: str
    value: float | None
    unit: str | None


class Effect(Answer, frozen=True):
    """What the change is expected to take away: the deciding reading as it is, its 95 % interval, and the threshold."""

    metric: str
    now: float
    low: float
    high: float
    unit: str | None
    target: float
    text: str


class Recommendation(Answer, frozen=True):
    """A change, how its value was computed, its risk, how to undo it, and what to expect.

    `bound` says which bound of the host cut the value, `needs` who may make the change.
    """

    id: str
    kind: str
    target: str
    current: str | None
    proposed: str
    formula: str
    risk: str
    risk_text: str
    restart: str
    undo: str | None
    expected: str
    renderings: Renderings
    inputs: list[Input] = []
    bound: str | None = None
    side_effects: list[str] = []
    needs: str = ""
    effect: Effect | None = None


class WillNotHelp(Answer, frozen=True):
    """A popular tweak that does nothing here."""

    action: str
    reason: str


class Window(Answer, frozen=True, rename={"from_": "from"}):
    """From when to when."""

    from_: datetime
    to: datetime


class Onset(Answer, frozen=True, rename={"from_": "from"}):
    """When the readings that decide it changed: at `at`, as likely anywhere between `from` and `to`."""

    at: datetime
    from_: datetime
    to: datetime


class LinkedChange(Answer, frozen=True):
    """What changed shortly `before` the trouble began, or `during` it; /changes/{id} has all of it."""

    id: str
    relation: Literal["before", "during"]
    kind: str
    service: str | None
    name: str
    before: str
    after: str
    at: datetime


class Load(Answer, frozen=True):
    """What stands for load, on average; both sides are compared where it was the same."""

    metric: str
    before: float
    after: float
    unit: str


class Measured(Answer, frozen=True):
    """`low` and `high` bound the difference after − before; the intervals of all measures hold together, at 95 %."""

    name: str
    title: str
    unit: str
    own: bool
    before: float
    after: float
    low: float
    high: float
    relative: float | None
    verdict: Literal["better", "worse", "unchanged"]


class Verification(Answer, frozen=True):
    """Whether the change helped. `ready_at`: when there is probably enough data. `undo` is offered where it got worse.

    `load` is null where nothing tells it: then both sides are compared as they are.
    """

    verdict: Literal["improved", "no effect", "worse", "not enough data", "undone"]
    reason: str
    changed_at: datetime
    judged_at: datetime
    ready_at: datetime | None
    before: Window
    after: Window
    load: Load | None
    measures: list[Measured]
    undo: list[str]
    relapsed_at: datetime | None


class Finding(Answer, frozen=True):
    """One trouble of one subject. `explained_by` set: it is folded under its cause.

    `forecast`: nothing fails yet, but will.

    It holds `since` then; `episodes` are earlier times of the same trouble, the first of which began at `opened_at`.
    """

    id: str
    rule: str
    state: Literal["open", "resolved", "muted"]
    rank: int
    headline: str
    subject: Subject
    opened_at: datetime
    since: datetime
    episodes: list[Window]
    last_seen_at: datetime
    closed_at: datetime | None
    onset: Onset | None
    window: Window
    confidence: float
    calibrated: bool
    forecast: bool
    impact: Impact
    evidence: list[Evidence]
    explains: list[str]
    explained_by: str | None
    ruled_out: list[RuledOut]
    unknown: list[Unknown]
    recommendations: list[Recommendation]
    will_not_help: list[WillNotHelp]
    changes: list[LinkedChange]
    verification: Verification | None
    acknowledged_by: str | None
    acknowledged_at: datetime | None
    applied_at: datetime | None
    muted_until: datetime | None
    url: str


class FindingList(Answer, frozen=True):
    """A page of findings, best first."""

    results: list[Finding]
    next: str | None
