"""How full each listener's accept queue was, reading by reading, and what it dropped."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from diagnose.correlate.samples import Samples, Series

READS = ("listener_accept_queue_length", "listener_accept_queue_limit", "listener_drops_total")

# s; long enough for fifteen readings at the listeners' probe rate of one a second, with some lost
RECENT_SECONDS = 30.0
# of recent readings; a burst empties again within a few seconds, an acceptor that lags never lets it drain
PINNED_SHARE = 0.5
PINNED_EMPTY_SHARE = 0.05
# of the limit; a burst that came so far between two readings may have gone further
NEAR_SHARE = 0.8


@dataclass(frozen=True, slots=True)
class ListenerQueue:
    """One listener in the window. The kernel refuses a connection once `length > limit` (sk_acceptq_is_full).

    Shares are of readings, 0…1. `drops` is None where the kernel or the collector does not count per listener.
    """

    listener: str
    service: str
    pid: int | None
    netns: str
    limit: int
    peak: int
    readings: int
    empty_share: float
    recent_readings: int
    recent_seconds: float
    recent_at_limit_share: float
    recent_empty_share: float
    longest_full_seconds: float
    drops: float | None
    window_seconds: float
    busiest_second_drops: float
    recent_drops: float
    recent_mean: float = 0.0

    @property
    def full(self) -> bool:
        """Whether any reading caught the queue with no room left."""
        return self.peak > self.limit

    @property
    def near_limit(self) -> bool:
        """Whether any reading caught the queue almost full, or full."""
        return self.peak >= max(1.0, NEAR_SHARE * self.limit)

    @property
    def pinned(self) -> bool:
        """Whether the queue stayed at its limit lately: nobody takes connections out fast enough, burst or not."""
        return self.recent_at_limit_share >= PINNED_SHARE and self.recent_empty_share <= PINNED_EMPTY_SHARE


@dataclass(frozen=True, slots=True)
class ListenerQueues:
    """All listeners of a host. `gone` were closed or restarted in the window: they are not judged, but what they
    dropped must not be blamed on the others."""

    queues: tuple[ListenerQueue, ...]
    gone: tuple[ListenerQueue, ...] = ()

    @classmethod
    def derive(cls, samples: Samples) -> ListenerQueues | None:
        limits = _by_key(samples.of("listener_accept_queue_limit"))
        drops = _by_key(samples.of("listener_drops_total"))
        there: list[ListenerQueue] = []
        gone: list[ListenerQueue] = []
        for key, length in _by_key(samples.of("listener_accept_queue_length")).items():
            if key in limits:
                group = there if samples.is_present(length) else gone
                group.append(_queue(length, limits[key], drops.get(key), samples))
        return cls(tuple(there), tuple(gone)) if there else None


def _by_key(series: Iterable[Series]) -> dict[tuple[str, str, str], Series]:
    """The series by listener, namespace and pid: after a restart the same listener stands here twice."""
    return {
        (each.labels.get("listener", ""), each.labels.get("netns", ""), each.labels.get("pid", "")): each
        for each in series
    }


def _queue(length: Series, limits: Series, drops: Series | None, samples: Samples) -> ListenerQueue:
    limit = int(limits.last)
    recent_ns = samples.end_ns - int(RECENT_SECONDS * 1e9)
    lately = length.since(recent_ns)
    recent = lately.values
    pid = length.labels.get("pid", "")
    peak = int(length.values.max())
    return ListenerQueue(
        listener=length.labels.get("listener", ""),
        service=length.labels.get("service", ""),
        pid=int(pid) if pid else None,
        netns=length.labels.get("netns", ""),
        limit=limit,
        peak=peak,
        readings=len(length.values),
        empty_share=_share(length.values == 0),
        recent_readings=len(recent),
        recent_seconds=float(lately.times_ns[-1] - lately.times_ns[0]) / 1e9 if len(recent) else 0.0,
        recent_at_limit_share=_share(recent >= max(limit, 1)),
        recent_empty_share=_share(recent == 0),
        longest_full_seconds=_longest_seconds(length.times_ns, length.values > limit)
        if peak > limit
        else 0.0,
        drops=drops.total if drops else None,
        window_seconds=max(samples.seconds, 1.0),
        busiest_second_drops=_busiest_second(drops) if drops else 0.0,
        recent_drops=drops.since(recent_ns).total if drops else 0.0,
        recent_mean=float(recent.mean()) if len(recent) else 0.0,
    )


def _share(readings: NDArray[np.bool_]) -> float:
    return np.count_nonzero(readings) / len(readings) if len(readings) else 0.0


def _longest_seconds(times_ns: NDArray[np.int64], full: NDArray[np.bool_]) -> float:
    """The longest unbroken run of full readings, first to last, of some; 0 for a single one."""
    edges = np.flatnonzero(np.diff(np.concatenate(([False], full, [False])).astype(np.int8)))
    starts, ends = edges[::2], edges[1::2] - 1
    return float((times_ns[ends] - times_ns[starts]).max() / 1e9)


def _busiest_second(drops: Series) -> float:
    """The most drops a second between two readings: a burst shorter than that stands in it whole."""
    if len(drops.values) < 2:
        return drops.total
    seconds = np.maximum(np.diff(drops.times_ns) / 1e9, 1.0)
    return float((drops.values[1:] / seconds).max())
