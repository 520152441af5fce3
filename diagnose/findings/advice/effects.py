"""What a change is expected to take away: the reading that decides the finding, with the interval it is known in."""

from __future__ import annotations

from diagnose.correlate.bootstrap import mean_interval
from diagnose.correlate.fit import Effect, Input
from diagnose.correlate.rule import Evidence, Verdict
from diagnose.correlate.samples import Samples, Series

# s; readings closer together than that depend on one another
BLOCK_SECONDS = 10.0


def inputs_of(verdict: Verdict) -> tuple[Input, ...]:
    """The measured readings that the advice rests on: those that decide."""
    return tuple(
        Input(line.metric, line.text, line.value, line.unit)
        for line in verdict.evidence
        if line.role == "decides" and line.kind == "supports" and line.value is not None
    )


def effect_of(verdict: Verdict, samples: Samples) -> Effect | None:
    """Of the first deciding line with a metric that has a threshold; None where its readings are too few."""
    for line in verdict.evidence:
        if line.role == "decides" and line.kind == "supports" and line.metric and line.value:
            return _effect(line, line.value, samples)
    return None


def _effect(line: Evidence, now: float, samples: Samples) -> Effect | None:
    """The value is the rule's own; how sure it is follows from how its readings scatter."""
    readings = [each.values for each in samples.of(line.metric) if _fits(each, line)]
    longest = max(readings, key=lambda each: each.mean() if len(each) else 0.0, default=None)
    if longest is None or not len(longest) or longest.mean() == 0:
        return None
    seconds = samples.seconds / len(longest) or 1.0
    interval = mean_interval(longest, round(BLOCK_SECONDS / seconds))
    if interval is None:
        return None
    low, high = sorted(now * bound / longest.mean() for bound in interval)
    return Effect(line.metric, now, low, high, line.unit, line.threshold or 0.0)


def _fits(series: Series, line: Evidence) -> bool:
    return all(series.labels.get(name) == value for name, value in line.labels)
