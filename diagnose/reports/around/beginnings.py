"""What began at about the time of a finding, lined up: readings that changed their level, other findings, changes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

from diagnose.correlate import load
from diagnose.correlate.baseline import Baseline, baseline
from diagnose.correlate.onset import Onset, onset
from diagnose.correlate.samples import Series
from diagnose.models.finding import Finding
from diagnose.store import series as store
from diagnose.store.series import SeriesRef

# Enough readings on both sides to tell a level.
AROUND = timedelta(minutes=10)
# Readings of slow probes are so far apart; what begins further from a finding began by itself.
TOGETHER = timedelta(seconds=60)
MOST_READINGS = 12
# Of one host; the finding's own come first.
_MOST_SERIES = 400
# What is usual is of a week, by ten minutes.
_PAST, _PAST_POINTS = timedelta(days=7), 7 * 144
# A change of less than that much of the level, or of the usual spread, is none that anybody would look at.
_LEAST_CHANGE = 0.25
# Labels that say whose a reading is; one that says another's is no concern of the finding.
_WHOSE = ("service", "pid", "listener", "dst", "cgroup")


@dataclass(frozen=True, slots=True)
class Beginning:
    """`at` is known to lie between `first` and `last`. Levels are of readings only; `usual` is None with no past."""

    kind: Literal["reading", "finding", "change"]
    title: str
    labels: Mapping[str, str]
    at: datetime
    first: datetime
    last: datetime
    before: float | None = None
    after: float | None = None
    counter: bool = False
    usual: Baseline | None = None
    id: str = ""


def beginnings(finding: Finding) -> list[Beginning]:
    """In order of time; empty when nobody knows when the finding began."""
    began = span_of(finding)
    if began is None:
        return []
    found = [*_readings(finding, *began), *_findings(finding, *began), *_changes(finding)]
    return sorted(found, key=lambda each: each.at)


def span_of(finding: Finding) -> tuple[datetime, datetime] | None:
    """Between when and when its readings changed."""
    told = finding.detail.get("onset")
    return (datetime.fromisoformat(told["from"]), datetime.fromisoformat(told["to"])) if told else None


def _readings(finding: Finding, first: datetime, last: datetime) -> Iterator[Beginning]:
    start_ns, end_ns = _ns(first - AROUND), _ns(last + AROUND)
    refs = _concerned(store.of_host(finding.host_id, load.metrics()), finding)[:_MOST_SERIES]
    points = store.read(refs, start_ns, end_ns)
    found = []
    for ref in refs:
        if ref.id in points:
            series = Series(ref.metric, ref.labels, *points[ref.id], ref.counter).known()
            change = onset(series)
            if change is not None and _is_together(change, first, last) and _matters(change):
                found.append((ref, change))
    found.sort(key=lambda each: -_size(each[1]))
    chosen = found[:MOST_READINGS]
    usual = _usual([ref for ref, _ in chosen], _ns(first))
    for ref, change in chosen:
        yield Beginning(
            "reading",
            ref.metric,
            ref.labels,
            _moment(change.at_ns),
            _moment(change.first_ns),
            _moment(change.last_ns),
            change.before,
            change.after,
            ref.counter,
            usual.get(ref.id),
        )


def _concerned(refs: Sequence[SeriesRef], finding: Finding) -> list[SeriesRef]:
    """Of the finding's subject or of the whole host; those of its evidence first."""
    subject = {name: str(value) for name, value in finding.detail["subject"].items()}
    shown = {line["metric"] for line in finding.detail["evidence"] if line["metric"]}
    mine = [ref for ref in refs if _is_of(ref.labels, subject)]
    return sorted(mine, key=lambda ref: (ref.metric not in shown, ref.id))


def _is_of(labels: Mapping[str, str], subject: Mapping[str, str]) -> bool:
    """A reading with labels of somebody must share one with the subject, and contradict it in none."""
    whose = {"destination" if name == "dst" else name: labels[name] for name in _WHOSE if name in labels}
    known = [subject[name] == value for name, value in whose.items() if name in subject]
    return all(known) and bool(known or not whose)


def _is_together(change: Onset, first: datetime, last: datetime) -> bool:
    return change.first_ns <= _ns(last + TOGETHER) and change.last_ns >= _ns(first - TOGETHER)


def _matters(change: Onset) -> bool:
    return _size(change) >= _LEAST_CHANGE


def _size(change: Onset) -> float:
    """By how much of the larger level it changed."""
    return abs(change.after - change.before) / max(abs(change.after), abs(change.before), 1e-300)


def _usual(refs: Sequence[SeriesRef], at_ns: int) -> dict[int, Baseline]:
    """Of single readings, as the levels are: sums of a counter by ten minutes would be another measure."""
    start_ns = at_ns - int(_PAST.total_seconds() * 1e9)
    gauges = [ref for ref in refs if not ref.counter]
    lines = store.range_(gauges, start_ns, at_ns, _PAST_POINTS, "avg") if gauges else []
    found = {line.ref.id: baseline(line.times_ns, line.values, at_ns) for line in lines}
    return {number: each for number, each in found.items() if each is not None}


def _findings(finding: Finding, first: datetime, last: datetime) -> Iterable[Beginning]:
    near = Finding.objects.filter(
        host=finding.host_id, last_seen_at__gte=first - TOGETHER, opened_at__lte=last + 2 * AROUND
    )
    for each in near.order_by("id"):
        began = span_of(each)
        if began and began[0] <= last + TOGETHER and began[1] >= first - TOGETHER:
            at = datetime.fromisoformat(each.detail["onset"]["at"])
            yield Beginning("finding", each.headline, {}, at, *began, id=each.id)


def _changes(finding: Finding) -> Iterable[Beginning]:
    for link in finding.change_links.all():
        if link.relation == "before":
            change = link.change
            at = change.at
            yield Beginning("change", str(change), {}, at, at - TOGETHER, at, id=change.id)


def _ns(moment: datetime) -> int:
    return int(moment.timestamp() * 1e6) * 1000


def _moment(ns: int) -> datetime:
    return datetime.fromtimestamp(ns // 10**6 / 1000, UTC)
