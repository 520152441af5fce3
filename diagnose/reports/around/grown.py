"""Which functions took more of a service's time once a finding began: stacks of then against those right before."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime, timedelta

from diagnose.models.finding import Finding
from diagnose.reports.around.beginnings import span_of
from diagnose.store import flamegraph, profiles
from diagnose.store.profiles import Merged, Selector

# As long before as it lasted, at least and at most so long.
LEAST, MOST = timedelta(seconds=60), timedelta(minutes=30)
# Samples on either side; of fewer no share is worth anything.
LEAST_SAMPLES = 100
MOST_FUNCTIONS = 10
_ALL = 1_000_000
# Standard errors that a share must have grown by: of some hundred functions none does by chance.
CLEAR = 4.0
# Neighbouring samples are of the same work: so many tell as much as one.
_ALIKE = 4.0
# of all time; less is not worth a line
_LEAST_GROWTH = 0.02


@dataclass(frozen=True, slots=True)
class Grown:
    """A function with its share of all samples, callees included, on both sides; `low` to `high`: what it grew by."""

    name: str
    file: str
    line: int
    before: float
    after: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Compared:
    """The two spans, how many samples they have, and what grew, most first."""

    type: str
    good: tuple[datetime, datetime]
    bad: tuple[datetime, datetime]
    good_samples: int
    bad_samples: int
    grown: tuple[Grown, ...]


def grown(finding: Finding) -> Compared | None:
    """None where the service was not sampled enough before or since, or the beginning is not known."""
    began = span_of(finding)
    if began is None or not finding.service:
        return None
    lasted = min(max(finding.last_seen_at - began[1], LEAST), MOST)
    good, bad = (began[0] - lasted, began[0]), (began[1], began[1] + lasted)
    kind = next((line["profile"] for line in finding.detail["evidence"] if line["profile"]), "cpu")
    selector = Selector(finding.service, kind, (finding.host_id,))
    before, after = (profiles.merge(selector, *map(_ns, span)) for span in (good, bad))
    counts = int(before.counts.sum()), int(after.counts.sum())
    if min(counts) < LEAST_SAMPLES or {before.unit, after.unit} != {"samples"}:
        return None
    return Compared(kind, good, bad, *counts, _grown(finding.service, before, after, counts))


def _grown(service: str, before: Merged, after: Merged, counts: tuple[int, int]) -> tuple[Grown, ...]:
    old = {(row.name, row.file): row.total for row in flamegraph.top(service, before, _ALL)}
    found = []
    for row in flamegraph.top(service, after, _ALL):
        then, now = old.get((row.name, row.file), 0) / counts[0], row.total / counts[1]
        error = math.sqrt(_ALIKE * (_spread(then, counts[0]) + _spread(now, counts[1])))
        grew = now - then
        if grew >= max(_LEAST_GROWTH, CLEAR * error):
            low, high = grew - 1.96 * error, grew + 1.96 * error
            found.append(Grown(row.name, row.file, row.line, then, now, low, high))
    return tuple(sorted(found, key=lambda each: (-(each.after - each.before), each.name))[:MOST_FUNCTIONS])


def _spread(share: float, count: int) -> float:
    """The variance of a share; a share of 0 or 1 is as unsure as one sample more or less."""
    inside = min(max(share, 1 / count), 1 - 1 / count)
    return inside * (1 - inside) / count


def _ns(moment: datetime) -> int:
    return int(moment.timestamp() * 1e6) * 1000
