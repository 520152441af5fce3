"""Two hosts, or two times, side by side: whatever differs most beyond its usual spread comes first."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from diagnose.reports.charts.explored import unit_of
from diagnose.store import histograms, series
from diagnose.store.facts import FactRow
from diagnose.store.series import SeriesRef

_POINTS = 40
_MOST_ROWS = 80
_MOST_DURATIONS = 30
# What is smaller is noise to a person, however steady it is.
_LEAST_RATIO = 0.15
# Of the larger mean: a steady reading that moved by less is no more certain than this makes it.
_LEAST_SPREAD = 0.05
# Of the collector itself, and labels that only tell processes of one service apart.
_LEFT_OUT = ("collector_", "ebpf_", "process_info", "process_age_seconds", "listener_info")
_NAMELESS = ("pid",)

Key = tuple[str, tuple[tuple[str, str], ...]]


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two that are compared."""

    host_id: int
    start_ns: int
    end_ns: int


@dataclass(frozen=True, slots=True)
class Difference:
    """Means of both sides; None: not measured there. `score` is the difference by the usual spread, 0 of one side."""

    metric: str
    name: str
    unit: str
    base: float | None
    now: float | None
    score: float

    @property
    def ratio(self) -> float | None:
        return self.now / self.base if self.base and self.now is not None else None


@dataclass(frozen=True, slots=True)
class Slower:
    """Percentiles of durations on both sides, in seconds."""

    metric: str
    name: str
    base_p50: float
    now_p50: float
    base_p99: float
    now_p99: float

    @property
    def ratio(self) -> float:
        return max(_apart(self.base_p99, self.now_p99), _apart(self.base_p50, self.now_p50))


@dataclass(frozen=True, slots=True)
class OtherFact:
    name: str
    base: str
    now: str


def differences(base: Side, now: Side, refs: Sequence[SeriesRef]) -> list[Difference]:
    """The clearest first. `refs` are all series of the hosts."""
    left, right = (_readings(side, refs) for side in (base, now))
    found = [_difference(key, left.get(key), right.get(key)) for key in sorted(left.keys() | right.keys())]
    told = [one for one in found if one is not None]
    return sorted(told, key=lambda one: (-one.score, one.metric, one.name))[:_MOST_ROWS]


def durations(base: Side, now: Side, refs: Sequence[SeriesRef]) -> list[Slower]:
    """What became slower or faster, by the larger factor."""
    left, right = (_percentiles(side, refs) for side in (base, now))
    both = [
        Slower(key[0], _name(key), *_ordered(left[key], right[key])) for key in left.keys() & right.keys()
    ]
    told = [one for one in both if one.ratio > 1 + _LEAST_RATIO]
    return sorted(told, key=lambda one: (-one.ratio, one.metric, one.name))[:_MOST_DURATIONS]


def other_facts(base: Iterable[FactRow], now: Iterable[FactRow]) -> list[OtherFact]:
    """By name; those that only one host has are among them."""
    left, right = ({fact.name: fact.value for fact in side} for side in (base, now))
    names = sorted(left.keys() | right.keys())
    return [
        OtherFact(name, left.get(name, ""), right.get(name, ""))
        for name in names
        if left.get(name) != right.get(name)
    ]


def _of(side: Side, refs: Sequence[SeriesRef]) -> list[SeriesRef]:
    return [ref for ref in refs if ref.host_id == side.host_id and not ref.metric.startswith(_LEFT_OUT)]


def _key(ref: SeriesRef) -> Key:
    return ref.metric, tuple(
        sorted(item for item in ref.labels.items() if item[0] not in _NAMELESS and item[1])
    )


def _name(key: Key) -> str:
    return " · ".join(value for _label, value in key[1])


def _readings(side: Side, refs: Sequence[SeriesRef]) -> dict[Key, NDArray[np.float64]]:
    """The processes of a service are added up by their means, which lie at times of their own."""
    lines = series.range_(_of(side, refs), side.start_ns, side.end_ns, _POINTS)
    found: dict[Key, list[NDArray[np.float64]]] = defaultdict(list)
    for line in lines:
        if len(line.values):
            found[_key(line.ref)].append(line.values)
    return {key: _added(some) for key, some in found.items()}


def _added(some: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
    shortest = min(len(one) for one in some)
    return np.asarray(np.sum([one[-shortest:] for one in some], axis=0), np.float64)


def _difference(
    key: Key, base: NDArray[np.float64] | None, now: NDArray[np.float64] | None
) -> Difference | None:
    """None where both are alike."""
    means = [None if one is None else float(one.mean()) for one in (base, now)]
    known = [abs(one) for one in means if one is not None]
    moved = abs((means[1] or 0.0) - (means[0] or 0.0))
    if not moved or moved < _LEAST_RATIO * max(known):
        return None
    spread = max(float(one.std()) for one in (base, now) if one is not None)
    both = len(known) > 1
    score = moved / max(spread, _LEAST_SPREAD * max(known)) if both else 0.0
    return Difference(key[0], _name(key), unit_of(key[0]), means[0], means[1], score)


def _percentiles(side: Side, refs: Sequence[SeriesRef]) -> dict[Key, tuple[float, float]]:
    groups: dict[Key, list[SeriesRef]] = defaultdict(list)
    for ref in _of(side, refs):
        if ref.metric.endswith("_seconds"):
            groups[_key(ref)].append(ref)
    found = histograms.over_time(list(groups.values()), side.start_ns, side.end_ns, 1)
    told: dict[Key, tuple[float, float]] = {}
    for key, maps in zip(groups, found, strict=True):
        for one in maps[:1]:
            p50, p99 = one.whole().quantiles([0.5, 0.99])[0].tolist()
            told[key] = (p50, p99)
    return told


def _ordered(base: tuple[float, float], now: tuple[float, float]) -> tuple[float, float, float, float]:
    return base[0], now[0], base[1], now[1]


def _apart(one: float, other: float) -> float:
    least = min(one, other)
    return max(one, other) / least if least > 0 else 1.0
