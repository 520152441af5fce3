"""What control groups of services may use and did use lately: CPU time and tasks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from diagnose.correlate.samples import Samples, Series

READS = (
    "cgroup_cpu_limit_cores",
    "cgroup_cpu_usage_seconds_total",
    "cgroup_cpu_periods_total",
    "cgroup_cpu_throttled_periods_total",
    "cgroup_cpu_throttled_seconds_total",
    "cgroup_tasks",
    "cgroup_tasks_limit",
    "cgroup_tasks_refused_total",
)

RECENT_SECONDS = 30.0
# s; two passes of the probe and a late one
_THERE_SECONDS = 25.0
# The collector's own samplers, which are held back on purpose.
_OURS = "/diagnose-stacks-"


@dataclass(frozen=True, slots=True)
class CgroupLimit:
    """One group. Counts are of the last `seconds`; None: not counted, or no limit."""

    cgroup: str
    service: str
    seconds: float
    cores_limit: float | None
    cores_used: float | None
    periods: float
    throttled_periods: float
    throttled_seconds: float | None
    tasks: float | None
    tasks_limit: float | None
    tasks_refused: float | None


@dataclass(frozen=True, slots=True)
class CgroupLimits:
    """Groups that have a limit of CPU time or tasks; empty where control groups are read and none has."""

    groups: tuple[CgroupLimit, ...]

    @classmethod
    def derive(cls, samples: Samples) -> CgroupLimits | None:
        if not samples.of("cgroup_tasks") and not samples.of("cgroup_cpu_limit_cores"):
            return None
        by_group: dict[str, dict[str, Series]] = {}
        for metric in READS:
            for series in samples.of(metric):
                by_group.setdefault(series.labels.get("cgroup", ""), {})[metric] = series
        limited = ("cgroup_cpu_limit_cores", "cgroup_tasks_limit")
        return cls(
            tuple(
                _group(name, found, samples.end_ns)
                for name, found in by_group.items()
                if any(metric in found and _there(found[metric], samples) for metric in limited)
                and not name.startswith(_OURS)
            )
        )


def _there(series: Series, samples: Samples) -> bool:
    return bool(samples.end_ns - series.times_ns[-1] <= _THERE_SECONDS * 1e9)


def _group(name: str, found: Mapping[str, Series], end_ns: int) -> CgroupLimit:
    begin_ns = end_ns - int(RECENT_SECONDS * 1e9)

    def count(metric: str) -> float | None:
        return found[metric].since(begin_ns).total if metric in found else None

    def last(metric: str) -> float | None:
        return found[metric].last if metric in found else None

    any_counter = next((each for each in found.values() if each.counter), None)
    seconds = _seconds(any_counter, begin_ns) if any_counter else RECENT_SECONDS
    used = count("cgroup_cpu_usage_seconds_total")
    return CgroupLimit(
        cgroup=name,
        service=next((each.labels["service"] for each in found.values() if "service" in each.labels), ""),
        seconds=seconds,
        cores_limit=last("cgroup_cpu_limit_cores"),
        cores_used=used / seconds if used is not None else None,
        periods=count("cgroup_cpu_periods_total") or 0.0,
        throttled_periods=count("cgroup_cpu_throttled_periods_total") or 0.0,
        throttled_seconds=count("cgroup_cpu_throttled_seconds_total"),
        tasks=last("cgroup_tasks"),
        tasks_limit=last("cgroup_tasks_limit"),
        tasks_refused=count("cgroup_tasks_refused_total"),
    )


def _seconds(series: Series, begin_ns: int) -> float:
    """What the recent increases cover: from the reading before the first of them."""
    recent = series.since(begin_ns)
    if not len(recent.values):
        return RECENT_SECONDS
    before = max(0, len(series.values) - len(recent.values) - 1)
    return max(5.0, float(series.times_ns[-1] - series.times_ns[before]) / 1e9)
