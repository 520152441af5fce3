"""What control groups of services may have of memory, what they have, and what meeting the limit did to them lately."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from diagnose.correlate.samples import Samples, Series

_GAUGES = {
    "usage": "cgroup_memory_usage_bytes",
    "limit": "cgroup_memory_limit_bytes",
    "high": "cgroup_memory_high_bytes",
    "anon": "cgroup_memory_anon_bytes",
    "file": "cgroup_memory_file_bytes",
}
_COUNTERS = {
    "refaults": "cgroup_memory_refaults_total",
    "major_faults": "cgroup_memory_major_faults_total",
    "read": "cgroup_io_read_bytes_total",
}
_EVENTS = "cgroup_memory_events_total"
READS = (*_GAUGES.values(), *_COUNTERS.values(), _EVENTS)

RECENT_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class GroupMemory:
    """One group. Sizes in bytes and rates per second; None: no limit, or not counted. `kills` are of the whole window,
    `peak` is the most it had in it, and `gone` when its last reading is not of the end of the window."""

    cgroup: str
    service: str
    usage: float
    peak: float
    limit: float | None
    high: float | None
    anon: float | None
    file: float | None
    refaults: float | None
    major_faults: float | None
    met_limit: float | None
    kills: float
    gone: bool

    @property
    def bound(self) -> float | None:
        """The limit that binds first."""
        return min((each for each in (self.limit, self.high) if each), default=None)


@dataclass(frozen=True, slots=True)
class CgroupMemory:
    """Groups whose memory is accounted; it is there, and empty, where control groups are read and none has any."""

    groups: tuple[GroupMemory, ...]

    @classmethod
    def derive(cls, samples: Samples) -> CgroupMemory | None:
        usage = samples.grouped(_GAUGES["usage"], "cgroup")
        if not usage:
            return None
        return cls(tuple(_group(name, each[0], samples) for name, each in usage.items()))


def _group(name: str, usage: Series, samples: Samples) -> GroupMemory:
    begin_ns = samples.end_ns - int(RECENT_SECONDS * 1e9)
    found = {metric: samples.grouped(metric, "cgroup").get(name, ()) for metric in READS}
    last = {what: found[metric][0].last for what, metric in _GAUGES.items() if found[metric]}
    rates = {
        what: found[metric][0].per_second(begin_ns) for what, metric in _COUNTERS.items() if found[metric]
    }
    events = {each.labels.get("event", ""): each for each in found[_EVENTS]}
    return GroupMemory(
        cgroup=name,
        service=usage.labels.get("service", ""),
        usage=usage.last,
        peak=float(usage.values.max()),
        limit=last.get("limit"),
        high=last.get("high"),
        anon=last.get("anon"),
        file=last.get("file"),
        refaults=rates.get("refaults"),
        major_faults=rates.get("major_faults"),
        met_limit=_met(events, begin_ns),
        kills=events["oom_kill"].total if "oom_kill" in events else 0.0,
        gone=not samples.is_present(usage),
    )


def _met(events: Mapping[str, Series], begin_ns: int) -> float | None:
    rates = [events[name].per_second(begin_ns) for name in ("max", "high") if name in events]
    known = [rate for rate in rates if rate is not None]
    return sum(known) if known else None
