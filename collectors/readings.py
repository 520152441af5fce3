"""From what the kernel counts to wire samples: gauges as they are, counters as their increase since the last pass."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping
from typing import Generic, TypeVar

from collectors.wire import Fact, Points

Key = TypeVar("Key", bound=Hashable)
Labels = tuple[tuple[str, str], ...]
Series = tuple[str, Labels]


def gauge(metric: str, now_ns: int, value: float, labels: dict[str, str] | None = None) -> Points:
    """One reading of something that goes up and down."""
    return Points(metric, {} if labels is None else labels, [now_ns], [float(value)])


def count(metric: str, now_ns: int, increase: float, labels: dict[str, str] | None = None) -> Points:
    """One increase of a counter."""
    return Points(metric, {} if labels is None else labels, [now_ns], [float(increase)], True)


class Increases(Generic[Key]):
    """Remembers the last pass. A key seen for the first time yields nothing; one that vanished is forgotten.

    A value below the last one is a reset: what was counted since zero is the increase. But some kernel counters
    step back a little without a reset (iowait, idle after a CPU came back): a step of at most `jitter` is none.
    """

    def __init__(self, jitter: float = 0.0) -> None:
        self._jitter = jitter
        self._last: dict[Key, float] = {}

    def since_last(self, readings: Mapping[Key, float]) -> dict[Key, float]:
        """The increase of every key that the pass before had too."""
        last = self._last
        increases: dict[Key, float] = {}
        kept = dict(readings)
        for key, value in readings.items():
            before = last.get(key)
            if before is None:
                continue
            if value >= before:
                increases[key] = value - before
            elif before - value <= self._jitter:
                increases[key] = 0.0
                kept[key] = before
            else:
                increases[key] = value
        self._last = kept
        return increases


class Counters:
    """A whole area's counters: readings by metric and labels in, samples with increases out."""

    def __init__(self, jitter: float = 0.0) -> None:
        self._increases: Increases[Series] = Increases(jitter)

    def points(self, now_ns: int, readings: Mapping[Series, float]) -> Iterator[Points]:
        """One sample for each series that the pass before had too."""
        for (metric, labels), increase in self._increases.since_last(readings).items():
            yield count(metric, now_ns, increase, dict(labels))


class ChangedFacts:
    """Facts that are new, or differ from what was told last; an empty value is not known and not told."""

    def __init__(self) -> None:
        self._told: dict[str, str] = {}

    def news(self, now_ns: int, facts: Iterable[tuple[str, str]]) -> Iterator[Fact]:
        """`facts` are names with values."""
        for name, value in facts:
            if value and self._told.get(name) != value:
                self._told[name] = value
                yield Fact(name, value, now_ns)
