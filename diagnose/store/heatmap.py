"""When samples were taken: seconds against the offset within each, and what ran in a part of that.

As FlameScope draws it: a column a second, a row a part of a second, so that what happens for some milliseconds, or
every so often, shows. Only profiles that tell the times of their samples count, and where none does that is said.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from diagnose.models import Service
from diagnose.store import backend
from diagnose.store.blob import Counts, Ids, summed
from diagnose.store.profiles import Merged, Selector, empty, filter_of, in_thread
from diagnose.store.protocols import Timed, TimedProfile
from diagnose.store.rows import NS_PER_MS, NS_PER_SECOND
from diagnose.store.sums import Sum, in_samples

Interval = tuple[int, int]


class NoSampleTimes(LookupError):
    """There are profiles, but none that tells when its samples were taken; the message says how many."""


@dataclass(frozen=True, slots=True)
class HeatMap:
    """`counts[i][j]` samples were taken in the j-th of `rows` equal parts of the second `start_second + i`.

    `untimed` profiles of the range do not tell when their samples were taken and are left out.
    """

    service: str
    type: str
    start_second: int
    rows: int
    counts: NDArray[np.int64]
    profiles: int
    untimed: int

    def as_json(self) -> dict[str, Any]:
        """The form of `/api/v1/profiles/heatmap`."""
        return {
            "service": self.service,
            "type": self.type,
            "start": self.start_second,
            "seconds": len(self.counts),
            "rows": self.rows,
            "total": int(self.counts.sum()),
            "most": int(self.counts.max(initial=0)),
            "profiles": self.profiles,
            "untimed": self.untimed,
            "counts": self.counts.tolist(),
        }


@dataclass(frozen=True, slots=True)
class _Samples:
    """Columns of one length; the i-th sample stands for `periods_ns[i]`."""

    times_ns: NDArray[np.int64]
    stack_ids: Ids
    counts: Counts
    periods_ns: NDArray[np.int64]


def build(selector: Selector, start_ns: int, end_ns: int, rows: int = 50) -> HeatMap:
    """All whole or begun seconds of the range. Raises NoSampleTimes."""
    timed = _timed(selector, start_ns, end_ns)
    first, end = start_ns // NS_PER_SECOND, -(-end_ns // NS_PER_SECOND)
    samples = _inside(_samples(selector, timed), [(start_ns, end_ns)])
    column, within = np.divmod(samples.times_ns - first * NS_PER_SECOND, NS_PER_SECOND)
    counts = np.zeros((end - first, rows), np.int64)
    np.add.at(counts, (column, within * rows // NS_PER_SECOND), samples.counts)
    return HeatMap(selector.service, selector.type, first, rows, counts, len(timed.profiles), timed.untimed)


def region(selector: Selector, intervals: Sequence[Interval]) -> Merged:
    """The samples taken in any of the half-open intervals, as a profile. Raises NoSampleTimes."""
    joined = _joined(intervals)
    timed = _timed(selector, joined[0][0], joined[-1][1])
    if not timed.profiles:
        return empty(selector.type)
    samples = _inside(_samples(selector, timed), joined)
    periods = np.unique(samples.periods_ns)
    weights = samples.counts if len(periods) == 1 else samples.counts * samples.periods_ns
    period_ns = int(periods[0]) if len(periods) == 1 else 1
    total = in_samples(Sum(*summed(samples.stack_ids, weights), period_ns, int(samples.counts.sum())))
    return Merged(
        total.stack_ids,
        total.counts,
        total.period_ns,
        timed.profiles[0].group.unit,
        len(timed.profiles),
        sum(_overlap_seconds(one, joined) for one in timed.profiles),
        selector.type,
        timed.corrupt,
    )


def _timed(selector: Selector, start_ns: int, end_ns: int) -> Timed:
    """Profiles of the unit of the first; none at all when nothing was profiled. Raises NoSampleTimes."""
    service = Service.objects.filter(name=selector.service).first()
    if service is None:
        return Timed([], 0, 0)
    found = backend.profile_store().timed(filter_of(service, selector), start_ns, end_ns)
    if not found.profiles and found.untimed:
        which = f"{found.untimed} {selector.type} profiles of {selector.service!r}"
        raise NoSampleTimes(f"None of the {which} in this range has sample times")
    alike = [one for one in found.profiles if one.group == found.profiles[0].group]
    return Timed(alike, found.untimed, found.corrupt)


def _samples(selector: Selector, timed: Timed) -> _Samples:
    """Of the selected thread."""
    each = [one.offsets for one in timed.profiles]
    lengths = [len(one.counts) for one in each]
    starts, periods = (
        np.repeat(np.array(values, np.int64), lengths)
        for values in ([one.start_ns for one in timed.profiles], [one.period_ns for one in timed.profiles])
    )
    nothing: list[Any] = [np.empty(0, np.uint32)]
    ids = np.concatenate([one.stack_ids for one in each] or nothing)
    offsets = np.concatenate([one.offsets_ms for one in each] or nothing).astype(np.int64)
    counts = np.concatenate([one.counts for one in each] or nothing).astype(np.int64)
    samples = _Samples(starts + offsets * NS_PER_MS, ids, counts, periods)
    if selector.thread is None:
        return samples
    return _chosen(samples, in_thread(Service.objects.get(name=selector.service), selector.thread, ids))


def _inside(samples: _Samples, intervals: Sequence[Interval]) -> _Samples:
    """Those in one of the intervals, which ascend and do not touch."""
    begins, ends = np.array(intervals, np.int64).T
    at = np.searchsorted(begins, samples.times_ns, side="right") - 1
    return _chosen(samples, (at >= 0) & (samples.times_ns < ends[at]))


def _chosen(samples: _Samples, kept: NDArray[np.bool_]) -> _Samples:
    return _Samples(
        samples.times_ns[kept], samples.stack_ids[kept], samples.counts[kept], samples.periods_ns[kept]
    )


def _joined(intervals: Sequence[Interval]) -> list[Interval]:
    """Ascending, those that touch as one."""
    found: list[Interval] = []
    for begin, end in sorted(intervals):
        if found and begin <= found[-1][1]:
            found[-1] = found[-1][0], max(found[-1][1], end)
        else:
            found.append((begin, end))
    return found


def _overlap_seconds(profile: TimedProfile, intervals: Sequence[Interval]) -> float:
    begins, ends = np.array(intervals, np.int64).T
    overlap = np.minimum(ends, profile.end_ns) - np.maximum(begins, profile.start_ns)
    return float(np.maximum(0, overlap).sum()) / NS_PER_SECOND
