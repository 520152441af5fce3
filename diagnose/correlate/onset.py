"""When a reading changed its level: the moment, how sure it is, and the levels before and after.

The rank-sum test at every split, of which the clearest counts (a maximally selected rank statistic: Miller and
Siegmund, 1982): it needs no model of the readings, and a few wild ones do not move it. A series that was the same all
along, changed before the window, or grows all the time has no onset.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from diagnose.correlate.rule import Evidence
from diagnose.correlate.samples import Samples, Series

# readings; fewer on one side tell no level
LEAST_READINGS, LEAST_SIDE = 12, 4
# standard deviations; four in a thousand series of 120 readings without a change show as much somewhere
CLEAR = 4.0
# of the change between all readings before and after; with a slope it is a fifth
STEP_SHARE = 0.5
# quantiles that readings are held to for that
TAME = (0.025, 0.975)
# of the statistic's peak; where it is this high the change may as well have been
AS_LIKELY = 0.9


@dataclass(frozen=True, slots=True)
class Onset:
    """A change of level at `at_ns`, as likely anywhere from `first_ns` to `last_ns`."""

    at_ns: int
    first_ns: int
    last_ns: int
    before: float
    after: float


def onset(series: Series) -> Onset | None:
    """The clearest rise or fall in the series."""
    values = series.values
    if len(values) < LEAST_READINGS or not values.any():
        return None
    deviations, count = _deviations(values), len(values)
    split = int(np.argmax(deviations)) + LEAST_SIDE
    peak = float(deviations[split - LEAST_SIDE])
    if peak < CLEAR:
        return None
    if not _is_step(values, split):
        return None
    likely = np.flatnonzero(deviations >= AS_LIKELY * peak) + LEAST_SIDE
    return Onset(
        at_ns=int(series.times_ns[split]),
        first_ns=int(series.times_ns[int(likely[0]) - 1]),
        last_ns=int(series.times_ns[min(int(likely[-1]), count - 1)]),
        before=float(np.median(values[:split])),
        after=float(np.median(values[split:])),
    )


def of_evidence(evidence: Iterable[Evidence], samples: Samples) -> Onset | None:
    """Of the readings that decide a verdict, the one that changed first and towards it."""
    found = [
        change
        for line in evidence
        if line.kind == "supports" and line.role == "decides" and line.metric
        for series in samples.of(line.metric)
        if set(line.labels) <= set(series.labels.items())
        and (change := onset(series)) is not None
        and _grew_worse(change, line)
    ]
    return min(found, key=lambda change: change.at_ns, default=None)


def _grew_worse(change: Onset, line: Evidence) -> bool:
    """A reading that fell after the trouble was over began nothing; one that decides by being low has to fall."""
    falls = line.value is not None and line.threshold is not None and line.value < line.threshold
    return change.after < change.before if falls else change.after >= change.before


def _is_step(values: NDArray[np.float64], split: int) -> bool:
    """Whether most of the change lies at the split: of a slope, readings close to it differ little."""
    tame = np.clip(values, *np.quantile(values, TAME))
    near = max(LEAST_SIDE, len(values) // 10)
    across = float(tame[split : split + near].mean() - tame[max(split - near, 0) : split].mean())
    return abs(across) >= STEP_SHARE * abs(float(tame[split:].mean() - tame[:split].mean()))


def _deviations(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """How far the ranks before each split are from those of a series without a change, ties taken into account."""
    _, places, counts = np.unique(values, return_inverse=True, return_counts=True)
    count = len(values)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[places]
    before = np.arange(LEAST_SIDE, count - LEAST_SIDE + 1)
    sums = np.cumsum(ranks)[before - 1] - before * (count + 1) / 2
    untied = 1.0 - float((counts.astype(float) ** 3 - counts).sum()) / (count**3 - count)
    spread = np.sqrt(before * (count - before) * (count + 1) / 12 * untied)
    return np.asarray(np.abs(sums) / spread) if untied > 0 else np.zeros(len(before))
