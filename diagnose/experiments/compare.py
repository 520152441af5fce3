"""Two selections of readings compared at equal load, by the machinery that proves whether a change helped."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from diagnose.access.problems import Problem
from diagnose.correlate import load
from diagnose.correlate.comparison.estimates import Estimate, estimates
from diagnose.correlate.comparison.outcome import outcome
from diagnose.correlate.comparison.tiles import Wanted, load_metric, side
from diagnose.correlate.samples import Samples
from diagnose.experiments import environment
from diagnose.models import Host

LONGEST = timedelta(days=2)


@dataclass(frozen=True, slots=True)
class Selection:
    """Readings of a service on a host (all services where it is '') from `start` to `end`."""

    host: Host
    service: str
    start: datetime
    end: datetime


def selection(name: str, host_id: int, service: str, start: datetime, end: datetime) -> Selection:
    """Raises Problem 422; `name` is the field that it stands in."""
    host = Host.objects.filter(pk=host_id).first()
    if host is None:
        raise _wrong(name, f"there is no host {host_id}")
    if not start < end:
        raise _wrong(name, f"from {start.isoformat()} is not before to {end.isoformat()}")
    if end - start > LONGEST:
        raise _wrong(name, f"{end - start} is longer than {LONGEST}: choose a shorter time")
    return Selection(host, service, start, end)


def _wrong(name: str, what: str) -> Problem:
    return Problem(422, "Cannot be compared", f"{name}: {what}.", errors={name: what})


def compared(one: Selection, two: Selection) -> dict[str, Any]:
    """In the API's form; `measures` is empty where too few tiles had the same load."""
    wanted = Wanted(one.service, "")
    before, after = _read(one, wanted), _read(two, replace(wanted, service=two.service))
    if before is None or after is None:
        which = "before" if before is None else "after"
        return {"verdict": "not enough data", "reason": f"nothing was read in the time {which}"} | _EMPTY
    metric = load_metric(before, after, one.service if one.service == two.service else "", False)
    sides = (
        side(before, replace(wanted, load=metric)),
        side(after, replace(wanted, load=metric, service=two.service)),
    )
    found = estimates(*sides, wanted.measures)
    decided = outcome(found, sides[1])
    return {
        "verdict": decided.verdict,
        "reason": decided.reason,
        "load": metric or None,
        "measures": [_measure(each) for each in found],
        "unequal": [asdict(each) for each in _differences(one, two)],
    }


_EMPTY: dict[str, Any] = {"load": None, "measures": [], "unequal": []}


def _read(selected: Selection, wanted: Wanted) -> Samples | None:
    return load.window(selected.host, selected.start, selected.end, wanted.metrics)


def _differences(one: Selection, two: Selection) -> list[environment.Difference]:
    if one.host != two.host:
        return environment.between_hosts(one.host.pk, two.host.pk, one.service)
    start, end = min(one.start, two.start), max(one.end, two.end)
    return environment.over_time(one.host.pk, start, end, one.service)


def _measure(each: Estimate) -> dict[str, Any]:
    return {
        "name": each.measure.name,
        "title": each.measure.title,
        "unit": each.measure.unit,
        "before": each.before,
        "after": each.after,
        "low": each.low,
        "high": each.high,
        "relative": each.relative,
        "verdict": "better" if each.better else "worse" if each.worse else "unchanged",
    }
