"""`/findings/{id}/around`: what began with a finding, which functions grew, and what pauses explain."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from diagnose.access.endpoints import ApiRequest, endpoint
from diagnose.findings import query as findings
from diagnose.models.access import Role
from diagnose.reports.around import beginnings as began
from diagnose.reports.around import grown as growth
from diagnose.reports.around import pauses
from diagnose.web.api.answers import Answer
from diagnose.web.api.describe import described


class Usual(Answer, frozen=True):
    """From `low` to `high` nine readings of ten lie; of the same hour of `days` days, or of all hours where it is 0."""

    median: float
    low: float
    high: float
    days: int


class Beginning(Answer, frozen=True, rename={"from_": "from"}):
    """What changed at `at`, known to lie between `from` and `to`; levels are of readings, `id` of the others."""

    kind: Literal["reading", "finding", "change"]
    what: str
    labels: dict[str, str]
    at: datetime
    from_: datetime
    to: datetime
    before: float | None
    after: float | None
    usual: Usual | None
    id: str | None


class Grown(Answer, frozen=True):
    """A function by its share of all samples, callees included; it grew by between `low` and `high`."""

    name: str
    file: str
    line: int
    before: float
    after: float
    low: float
    high: float


class Explained(Answer, frozen=True):
    """The share of what was bad that lies in pauses beyond chance, with its 90 % interval."""

    of: str
    pause: str
    metric: str
    share: float
    low: float
    high: float
    bad: int
    both: int


class Around(Answer, frozen=True):
    """Empty lists where nothing is known, or nothing stands out."""

    beginnings: list[Beginning]
    grown: list[Grown]
    explained: list[Explained]


@endpoint("GET", role=Role.VIEWER)
@described(answer=Around)
def around(_request: ApiRequest, finding_id: str) -> Around:
    """What happened around a finding: what began with it, which functions grew, and what pauses explain.

    Stacks since it began are compared with as long before; pauses of the service with its slow answers.
    """
    found = findings.get(finding_id)
    compared = growth.grown(found)
    return Around(
        [_beginning(each) for each in began.beginnings(found)],
        [
            Grown(each.name, each.file, each.line, each.before, each.after, each.low, each.high)
            for each in (compared.grown if compared else ())
        ],
        [
            Explained(
                each.of,
                each.pause,
                each.metric,
                each.explained.share,
                each.explained.low,
                each.explained.high,
                each.explained.bad,
                each.explained.both,
            )
            for each in pauses.attributions(found)
        ],
    )


def _beginning(each: began.Beginning) -> Beginning:
    known = each.usual
    usual = Usual(known.median, known.low, known.high, known.days) if known else None
    return Beginning(
        each.kind,
        each.title,
        dict(each.labels),
        each.at,
        each.first,
        each.last,
        each.before,
        each.after,
        usual,
        each.id or None,
    )
