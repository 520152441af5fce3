"""Cells of groups become samples of labelled series: what has the same labels adds up, and the many become "other"."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from collectors.ebpf.cells import Cell
from collectors.ebpf.source import Drained
from collectors.probe import Metric
from collectors.readings import Labels, count
from collectors.wire import Histogram, HistogramScheme, Points, Sample

# Series of one metric in one pass; the rest of the groups, the smallest, are told together.
MOST_SERIES = 200
OTHER = "other"
# Labels that have few values and say what happened, not to whom.
_FEW = frozenset(
    {
        *("alert", "alpn", "error", "method", "operation", "protocol"),
        *("resumed", "segment", "status_class", "syscall", "version"),
    }
)
LOST = Metric(
    "ebpf_lost_events_total",
    "",
    "Events that an eBPF program could not count: its maps were full, or it was running on that CPU already.",
    ("probe",),
    counter=True,
)
OBSERVED = Metric(
    "ebpf_observed_seconds_total",
    "s",
    "Time in which an eBPF probe counted; less than the time that passed while it rests to keep its cost down.",
    ("probe",),
    counter=True,
)
# What every probe here tells of itself.
ACCOUNT = (LOST, OBSERVED)
_NS_PER_SECOND = 1e9

LabelsOf = Callable[[bytes], Labels]


@dataclass(slots=True)
class Tally:
    """One series' events of one interval."""

    count: int = 0
    sum_ns: int = 0
    buckets: dict[int, int] = field(default_factory=dict)

    def add(self, buckets: Mapping[int, int], count: int, sum_ns: int) -> None:
        self.count += count
        self.sum_ns += sum_ns
        for bucket, events in buckets.items():
            self.buckets[bucket] = self.buckets.get(bucket, 0) + events


@dataclass(frozen=True, slots=True)
class Limit:
    """At most so many values of one label within each value of another; the rest of them become OTHER."""

    label: str
    within: str
    most: int


def tallies(cells: Iterable[Cell], labels_of: LabelsOf, limit: Limit | None = None) -> dict[Labels, Tally]:
    """By labels; at most MOST_SERIES of them, the others together."""
    known: dict[bytes, Labels] = {}
    found: dict[Labels, Tally] = {}
    for cell in cells:
        labels = known.get(cell.group)
        if labels is None:
            labels = known[cell.group] = labels_of(cell.group)
        found.setdefault(labels, Tally()).add({cell.bucket: cell.count}, cell.count, cell.sum_ns)
    return _bounded(_limited(found, limit) if limit else found)


def _limited(found: dict[Labels, Tally], limit: Limit) -> dict[Labels, Tally]:
    def place(labels: Labels) -> tuple[str | None, str | None]:
        named = dict(labels)
        return named.get(limit.within), named.get(limit.label)

    events: Counter[tuple[str | None, str | None]] = Counter()
    for labels, tally in found.items():
        events[place(labels)] += tally.count
    told: Counter[str | None] = Counter()
    rest = set()
    for (within, value), _ in events.most_common():
        told[within] += value != OTHER
        if told[within] > limit.most:
            rest.add((within, value))
    kept: dict[Labels, Tally] = {}
    for labels, tally in found.items():
        names = _with_other(labels, limit.label) if place(labels) in rest else labels
        kept.setdefault(names, Tally()).add(tally.buckets, tally.count, tally.sum_ns)
    return kept


def _with_other(labels: Labels, label: str) -> Labels:
    return tuple((name, OTHER if name == label else value) for name, value in labels)


def _bounded(found: dict[Labels, Tally]) -> dict[Labels, Tally]:
    if len(found) <= MOST_SERIES:
        return found
    ranked = sorted(found.items(), key=lambda item: item[1].count, reverse=True)
    kept = dict(ranked[:MOST_SERIES])
    for labels, tally in ranked[MOST_SERIES:]:
        rest = kept.setdefault(_others(labels), Tally())
        rest.add(tally.buckets, tally.count, tally.sum_ns)
    return kept


def _others(labels: Labels) -> Labels:
    """Who it was becomes OTHER; what it was stays."""
    return tuple((name, value if name in _FEW else OTHER) for name, value in labels)


def histograms(
    metric: str, scheme: HistogramScheme, now_ns: int, found: Mapping[Labels, Tally]
) -> Iterator[Histogram]:
    for labels, tally in found.items():
        seconds = tally.sum_ns / _NS_PER_SECOND
        yield Histogram(metric, dict(labels), now_ns, scheme, tally.buckets, seconds, tally.count)


def counts(metric: str, now_ns: int, found: Mapping[Labels, Tally]) -> Iterator[Points]:
    for labels, tally in found.items():
        yield count(metric, now_ns, tally.count, dict(labels))


def account(probe: str, now_ns: int, drained: Drained) -> Iterator[Sample]:
    """Told by every probe, also when nothing was lost."""
    yield count(LOST.name, now_ns, drained.lost, {"probe": probe})
    yield count(OBSERVED.name, now_ns, drained.seconds, {"probe": probe})
