"""Before and after one change of one finding, compared: the verdict with its figures."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from diagnose.correlate import load
from diagnose.correlate.comparison import matching
from diagnose.correlate.comparison.estimates import Estimate, estimates
from diagnose.correlate.comparison.outcome import Outcome, Presence, outcome
from diagnose.correlate.comparison.side import Latency, Ratio, Side
from diagnose.correlate.comparison.tiles import TILE_SECONDS, Wanted, load_metric, side
from diagnose.correlate.samples import Samples
from diagnose.findings.verify import windows
from diagnose.findings.verify.signals import only_requests_are_load, own_signals
from diagnose.findings.verify.windows import Span
from diagnose.models.finding import Finding

# An evaluation looks back so far: the trouble may show in it so long after it ended.
LOOKS_BACK = timedelta(seconds=120)
# A trouble that never paused has ended when it was not seen for so long; others twice their longest pause.
ABSENT_SECONDS = 180.0


def proof(finding: Finding, now: datetime) -> dict[str, Any]:
    """What `Finding.verification` keeps; `finding.applied_at` is set."""
    assert finding.applied_at is not None
    since = windows.after(finding.applied_at, now)
    earlier = windows.before(finding.applied_at, now, finding.opened_at)
    wanted = Wanted(finding.service, "", own_signals(finding))
    after = _read(finding, since, wanted)
    sides = [read for span in earlier if (read := _read(finding, span, wanted)) is not None]
    if after is None or not sides:
        missing = "since the change" if after is None else "of the time before the change"
        empty = Outcome("not enough data", f"there are no readings {missing}", TILE_SECONDS)
        return _told(finding, empty, (), wanted, None, earlier[0], since, now)
    wanted = replace(
        wanted, load=load_metric(sides[0], after, finding.service, only_requests_are_load(finding.rule))
    )
    two = side(after, wanted)
    one = _joined([side(each, wanted) for each in sides])
    found = estimates(one, two, wanted.measures)
    decided = outcome(found, two, _presence(finding, since.end), _comparable_seconds(one, two))
    return _told(finding, decided, found, wanted, (one, two), earlier[0], since, now)


def _read(finding: Finding, span: Span, wanted: Wanted) -> Samples | None:
    if span.seconds < TILE_SECONDS:
        return None
    found = load.window(finding.host, span.start, span.end, wanted.metrics)
    return None if found is None or found.seconds < TILE_SECONDS else found


def _presence(finding: Finding, end: datetime) -> Presence:
    assert finding.applied_at is not None
    seen = finding.quiet_since is None and finding.closed_at is None
    lately = finding.last_seen_at > finding.applied_at + LOOKS_BACK
    gap = float(finding.detail.get("longest_gap_seconds", 0.0))
    absent = (end - max(finding.last_seen_at, finding.applied_at)).total_seconds()
    return Presence(seen and lately, max(0.0, absent), max(ABSENT_SECONDS, 2 * gap))


def _comparable_seconds(one: Side, two: Side) -> float:
    if one.load is None or two.load is None:
        return two.tiles * two.tile_seconds
    if (
        one.tiles < matching.STAND_INS // 2
    ):  # a trouble that was followed within minutes has no more before it
        usual = float(np.median(one.load)) * (1 - matching.BIN)
        return float(np.count_nonzero(two.load >= usual) * two.tile_seconds)
    return float(matching.no_less_load(one.load, two.load).after.sum() * two.tile_seconds)


def _joined(sides: list[Side]) -> Side:
    """Tiles one after the other; measures that all have."""
    if len(sides) == 1:
        return sides[0]
    first = sides[0]
    names = set.intersection(*(set(each.ratios) for each in sides))
    ratios = {
        name: Ratio(
            np.concatenate([each.ratios[name].numerators for each in sides]),
            np.concatenate([each.ratios[name].denominators for each in sides]),
        )
        for name in names
    }
    loads = [each.load for each in sides if each.load is not None]
    latencies = [each.latency for each in sides if each.latency is not None]
    alike = len(latencies) == len(sides) and all(
        np.array_equal(each.edges, latencies[0].edges) for each in latencies
    )
    return Side(
        first.tile_seconds,
        np.concatenate(loads) if len(loads) == len(sides) else None,
        ratios,
        Latency(np.concatenate([each.counts for each in latencies]), latencies[0].edges) if alike else None,
    )


def _told(
    finding: Finding,
    decided: Outcome,
    found: tuple[Estimate, ...],
    wanted: Wanted,
    sides: tuple[Side, Side] | None,
    before: Span,
    after: Span,
    now: datetime,
) -> dict[str, Any]:
    ready = now + timedelta(seconds=decided.wait_seconds) if decided.wait_seconds else None
    undo = [each["undo"] for each in finding.detail["recommendations"] if each["current"] is not None]
    return {
        "verdict": decided.verdict,
        "reason": decided.reason,
        "changed_at": _time(finding.applied_at),
        "judged_at": _time(now),
        "ready_at": _time(ready),
        "before": {"from": _time(before.start), "to": _time(before.end)},
        "after": {"from": _time(after.start), "to": _time(after.end)},
        "load": _load(wanted, sides),
        "measures": [_measure(each) for each in found],
        "undo": undo if decided.verdict == "worse" else [],
        "relapsed_at": None,
    }


def _load(wanted: Wanted, sides: tuple[Side, Side] | None) -> dict[str, Any] | None:
    """None: not normalised by load, as nothing tells it."""
    if sides is None or sides[0].load is None or sides[1].load is None:
        return None
    means = [float(each.load.mean()) if each.load is not None and each.tiles else 0.0 for each in sides]
    return {"metric": wanted.load, "before": means[0], "after": means[1], "unit": "1/s"}


def _measure(each: Estimate) -> dict[str, Any]:
    verdict = "better" if each.better else "worse" if each.worse else "unchanged"
    return {
        "name": each.measure.name,
        "title": each.measure.title,
        "unit": each.measure.unit,
        "own": each.measure.own,
        "before": each.before,
        "after": each.after,
        "low": each.low,
        "high": each.high,
        "relative": each.relative,
        "verdict": verdict,
    }


def _time(moment: datetime | None) -> str | None:
    return None if moment is None else moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
