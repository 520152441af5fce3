"""HTTP requests that each service answered: how many, how quickly, how many with an error, by interval and by route."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from diagnose.correlate.durations import Durations
from diagnose.correlate.samples import Histogram, Samples

READS = ("ebpf_observed_seconds_total",)
HISTOGRAMS = ("http_server_seconds",)

# s; the probe tells its counts as often
INTERVAL_SECONDS = 10.0
# s; what "now" is where a mean over a while is asked for
RECENT_SECONDS = 45.0
_FAILED = "5xx"
_Part = tuple[bool, Histogram]


@dataclass(frozen=True, slots=True)
class Interval:
    """Requests that ended within `seconds` before `end_ns`, in which they were counted for `observed_seconds`."""

    end_ns: int
    observed_seconds: float
    durations: Durations
    failed: int

    @property
    def count(self) -> int:
        return self.durations.count

    @property
    def failed_share(self) -> float:
        return self.failed / self.count if self.count else 0.0

    @property
    def per_second(self) -> float:
        return self.count / self.observed_seconds

    @property
    def good_per_second(self) -> float:
        return (self.count - self.failed) / self.observed_seconds

    @property
    def under_way(self) -> float:
        """Requests at a time, on average (Little's law)."""
        return self.durations.sum_seconds / self.observed_seconds


@dataclass(frozen=True, slots=True)
class RequestsOf:
    """Those of one listener of a service: `intervals` by time, without those in which nothing was answered."""

    service: str
    listener: str
    netns: str
    intervals: tuple[Interval, ...]
    routes: Mapping[str, tuple[Interval, ...]]

    def recent(self, end_ns: int, seconds: float = RECENT_SECONDS) -> tuple[Interval, ...]:
        return tuple(each for each in self.intervals if each.end_ns > end_ns - seconds * 1e9)


@dataclass(frozen=True, slots=True)
class Requests:
    """By service and listener. Where nobody answered anything there is none, and where nobody counted neither."""

    all: tuple[RequestsOf, ...]
    end_ns: int

    @classmethod
    def derive(cls, samples: Samples) -> Requests | None:
        groups: dict[tuple[str, str, str], list[Histogram]] = {}
        for each in samples.histograms_of("http_server_seconds"):
            labels = each.labels
            key = labels.get("service", ""), labels.get("listener", ""), labels.get("netns", "")
            groups.setdefault(key, []).append(each)
        observed = _observed(samples)
        found = tuple(_of(key, group, observed) for key, group in sorted(groups.items()))
        return cls(found, samples.end_ns) if found else None

    def per_second(self, service: str) -> float | None:
        """Of all its listeners lately; None where none was counted."""
        mine = [each.recent(self.end_ns) for each in self.all if each.service == service]
        if not any(mine):
            return None
        seconds = max(sum(part.observed_seconds for part in parts) for parts in mine)
        return sum(part.count for parts in mine for part in parts) / seconds


def together(routes: Iterable[Sequence[Interval]]) -> tuple[Interval, ...]:
    """The intervals of several routes of one service."""
    rows: dict[int, list[Interval]] = {}
    for intervals in routes:
        for each in intervals:
            rows.setdefault(each.end_ns, []).append(each)
    return tuple(
        Interval(
            end_ns,
            max(each.observed_seconds for each in parts),
            Durations.together(each.durations for each in parts),
            sum(each.failed for each in parts),
        )
        for end_ns, parts in sorted(rows.items())
    )


def _observed(samples: Samples) -> dict[int, float]:
    """By whole ten seconds: for how long of them requests were counted, where the probe rested for a part."""
    found: dict[int, float] = {}
    for series in samples.grouped("ebpf_observed_seconds_total", "probe").get("http_server", ()):
        for time_ns, value in zip(series.times_ns.tolist(), series.values.tolist(), strict=True):
            found[round(time_ns / 1e10)] = float(value)
    return found


def _of(key: tuple[str, str, str], group: list[Histogram], observed: Mapping[int, float]) -> RequestsOf:
    routes: dict[str, list[Histogram]] = {}
    for each in group:
        routes.setdefault(each.labels.get("route", ""), []).append(each)
    by_route = {route: _intervals(mine, observed) for route, mine in sorted(routes.items())}
    return RequestsOf(*key, _intervals(group, observed), by_route)


def _intervals(group: Iterable[Histogram], observed: Mapping[int, float]) -> tuple[Interval, ...]:
    rows: dict[int, list[_Part]] = {}
    for each in group:
        failed = each.labels.get("status_class") == _FAILED
        for place, time_ns in enumerate(each.times_ns.tolist()):
            row = Histogram(
                each.metric,
                each.labels,
                each.times_ns[place : place + 1],
                each.edges,
                each.counts[place : place + 1],
                each.sums[place : place + 1],
            )
            rows.setdefault(time_ns, []).append((failed, row))
    return tuple(_interval(time_ns, rows[time_ns], observed) for time_ns in sorted(rows))


def _interval(time_ns: int, parts: list[_Part], observed: Mapping[int, float]) -> Interval:
    tick = round(time_ns / 1e10)
    seconds = next((observed[at] for at in (tick, tick + 1, tick - 1) if observed.get(at)), INTERVAL_SECONDS)
    failed = sum(int(np.sum(part.counts)) for has_failed, part in parts if has_failed)
    return Interval(time_ns, seconds, Durations.of(part for _, part in parts), failed)
