"""A control group's CPU quota is used up: its processes stand still until the next period.

Symptom: latency in steps of the period (100 ms), p99 far above p50, while the host has CPU to spare and the service's
mean use looks fine.

Cause: the group may use so much CPU time in each period, all its threads together. Many threads use it up in a
fraction of the period; then none runs for the rest.

Evidence: the time for which the group was held back. The number of throttled periods misleads: 86 % of them were
throttled after a remedy, for 1.6 ms a second. Time waiting for a CPU and PSI rise as well, on a host with idle CPUs
too, so this is looked at first.

Recommendation: a quota of what the service wants, or as many workers (GOMAXPROCS, threads) as the quota has cores; a
burst allowance where the mean is below the quota.

Source: Linux kernel/sched/fair.c (throttle_cfs_rq), Documentation/scheduler/sched-bwc.rst; measured: 100 % of periods
throttled with the host 71 % idle; in bursts 32 % of periods, p99 43 → 121 ms at the same p50.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from diagnose.correlate.rule import (
    CpuQuota,
    Evidence,
    Impact,
    Recommendation,
    RuledOut,
    Subject,
    Unknown,
    Verdict,
    WillNotHelp,
    Workers,
    strength,
    supports_if,
)
from diagnose.correlate.signals.cgroup_limits import CgroupLimit, CgroupLimits
from diagnose.correlate.signals.cpus import Cpus
from diagnose.correlate.words import number, percent

EXPLAINS = (
    "app.acceptor_stalled",
    "app.function_regression",
    "app.hot_function",
    "app.layer_overhead",
    "app.slow_reader",
    "network.accept_queue_overflow",
    "network.udp_receive_overflow",
    "python.event_loop_blocked",
    "python.gil_contention",
)

# s of standing still in each second, the group's CPUs added up; a period now and then is what a quota is for
HELD_BACK, CLEAR_HELD_BACK = 0.05, 0.3
# of the periods; more says how often, not how long
PERIODS = 0.05
# periods; fewer tell nothing of a group that hardly runs
LEAST_PERIODS = 20.0


def check(limits: CgroupLimits, cpus: Cpus | None) -> list[Verdict]:
    """One verdict a control group."""
    return [
        _verdict(group, cpus) for group in limits.groups if _held_back(group) >= HELD_BACK and _often(group)
    ]


def _held_back(group: CgroupLimit) -> float:
    return (group.throttled_seconds or 0.0) / group.seconds


def _often(group: CgroupLimit) -> bool:
    return group.periods >= LEAST_PERIODS and group.throttled_periods >= PERIODS * group.periods


def _share(group: CgroupLimit) -> float:
    return group.throttled_periods / group.periods if group.periods else 0.0


def _verdict(group: CgroupLimit, cpus: Cpus | None) -> Verdict:
    held, share = _held_back(group), _share(group)
    limit = f" of {number(round(group.cores_limit, 2))} cores" if group.cores_limit else ""
    name = group.service or group.cgroup
    text = f"it stands still for {number(round(1000 * held))} ms of each second, and what came then waits"
    return Verdict(
        subject=Subject(group.service, cgroup=group.cgroup),
        headline=f"{name} is held back by its CPU quota{limit} in {percent(share)} of the periods",
        impact=Impact(min(0.9, max(share, held)), held, "s/s", text),
        evidence=tuple(_evidence(group)),
        ruled_out=tuple(_ruled_out(group, cpus)),
        recommendations=tuple(_recommendations(group, cpus)),
        will_not_help=(
            WillNotHelp(
                "more threads or workers", "they use the same quota up sooner, and stand still longer"
            ),
            WillNotHelp("a larger host", "the quota is what binds, not the CPUs"),
            WillNotHelp(
                "a higher priority (nice, weight)", "they share out CPUs; a quota holds on an idle host too"
            ),
        ),
        unknown=()
        if group.cores_limit
        else (Unknown("the quota", "the group above that has it was not read"),),
        explains=EXPLAINS,
    )


def _evidence(group: CgroupLimit) -> Iterator[Evidence]:
    labels, held = (("cgroup", group.cgroup),), _held_back(group)
    text = f"the group was held back for {number(round(held, 2))} s of each second, all its CPUs together"
    clear, metric = strength(held, HELD_BACK, CLEAR_HELD_BACK), "cgroup_cpu_throttled_seconds_total"
    yield Evidence("supports", "decides", text, metric, held, "s/s", HELD_BACK, "cpu.stat", clear, labels)
    share = _share(group)
    text = f"in {percent(share)} of {number(group.periods)} periods the quota was used up"
    metric = "cgroup_cpu_throttled_periods_total"
    yield Evidence("supports", "corroborates", text, metric, share, "ratio", PERIODS, "cpu.stat", 1.0, labels)
    if group.cores_limit is None or group.cores_used is None:
        yield Evidence(
            "missing", "separates", "use and quota were not both read", "cgroup_cpu_usage_seconds_total"
        )
        return
    used = group.cores_used / group.cores_limit
    text = f"it uses {number(round(group.cores_used, 2))} cores on average, {percent(used)} of its quota"
    metric, kind = "cgroup_cpu_usage_seconds_total", supports_if(used >= 0.2)
    yield Evidence(kind, "separates", text, metric, used, "ratio", None, "cpu.stat", 1.0, labels)


def _ruled_out(group: CgroupLimit, cpus: Cpus | None) -> Iterator[RuledOut]:
    if cpus and group.cores_limit and group.cores_limit < cpus.count:
        reason = f"the quota is {number(round(group.cores_limit, 2))} of {cpus.count} CPUs: it binds before they do"
        yield RuledOut("cpu.saturation", reason)


def _recommendations(group: CgroupLimit, cpus: Cpus | None) -> Iterator[Recommendation]:
    if group.cores_limit is None:
        return
    wanted = group.cores_limit * (1 + _share(group)) + _held_back(group)
    if cpus:
        wanted = min(wanted, float(cpus.count))
    proposed = math.ceil(wanted * 10) / 10
    formula = (
        f"{number(round(group.cores_limit, 2))} cores, the periods' share that lacked them ({percent(_share(group))}) "
        f"and {number(round(_held_back(group), 2))} s/s of standing still"
    )
    if proposed > group.cores_limit:
        quota = CpuQuota(group.service, group.cgroup, group.cores_limit, proposed)
        yield Recommendation(quota, formula, "hardly any throttled time", "low", "others get less CPU")
    workers = max(1, math.floor(group.cores_limit))
    change = Workers(group.service or group.cgroup, workers + 1, workers)
    formula = f"one for each core of the quota, {number(round(group.cores_limit, 2))}"
    expected = "the quota lasts for the whole period"
    yield Recommendation(change, formula, expected, "medium", "less is done at once", "service")
