"""What the agent costs, and what it does about it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from collectors.budget import GRACE_SECONDS, MAX_SLOWDOWN, Budget, Overhead, Usage, measure
from collectors.delivery.spool import SpoolState
from collectors.probe import Host

MIB = 1024**2


def usage(cpu: float, rss: int = 30 * MIB) -> Usage:
    return Usage(cpu, 0.0, rss, 0)


def observed(shares: list[float], rss: int = 30 * MIB) -> list[tuple[float, int]]:
    """Slowdown and suspended probes after each ten seconds in which the agent took this share of a core."""
    budget, now, cpu = Budget(2.0, 80 * MIB, 0.0), GRACE_SECONDS, 0.5
    budget.observe(usage(cpu, rss), now)
    found = []
    for share in shares:
        now, cpu = now + 10, cpu + 10 * share
        budget.observe(usage(cpu, rss), now)
        found.append((budget.slowdown, budget.suspended))
    return found


def slowdowns(shares: list[float], rss: int = 30 * MIB) -> list[float]:
    return [slowdown for slowdown, _ in observed(shares, rss)]


def test_within_the_budget_nothing_changes():
    assert slowdowns([0.01] * 10) == [1.0] * 10


def test_starting_up_is_no_reason_to_slow_down():
    budget = Budget(2.0, 80 * MIB, 0.0)
    assert budget.observe(usage(0.9), 1.0) == budget.observe(usage(5.0), 10.0) == 1.0


def test_above_the_budget_intervals_grow_to_a_bound():
    found = slowdowns([0.05] * 12)
    assert found[0] > 1.0
    assert found == sorted(found)
    assert found[-1] == MAX_SLOWDOWN


def test_one_busy_interval_is_forgiven():
    assert slowdowns([0.01, 0.04, 0.01, 0.01]) == [1.0] * 4


def test_well_below_the_budget_intervals_shrink_again():
    assert slowdowns([0.05] * 5 + [0.002] * 30)[-1] == 1.0


def test_just_below_the_budget_the_rate_holds_instead_of_swinging():
    found = slowdowns([0.05] * 3 + [0.016] * 30)
    assert len(set(found[-10:])) == 1
    assert found[-1] > 1.0


def test_probes_rest_only_after_intervals_cannot_grow_any_more():
    found = observed([0.05] * 10)
    first = next(at for at, (_, suspended) in enumerate(found) if suspended)
    assert [slowdown for slowdown, _ in found[first - 1 :]] == [MAX_SLOWDOWN] * (len(found) - first + 1)
    assert [suspended for _, suspended in found[first:]] == list(range(1, len(found) - first + 1))


def test_probes_wake_one_by_one_before_intervals_shrink():
    found = observed([0.05] * 7 + [0.001] * 60)
    worst = max(suspended for _, suspended in found)
    assert worst >= 1
    assert found[-1] == (1.0, 0)
    assert all(slowdown == MAX_SLOWDOWN for slowdown, suspended in found if suspended)
    waking = [suspended for _, suspended in found[found.index((MAX_SLOWDOWN, worst)) :]]
    assert waking == sorted(waking, reverse=True)


def test_too_much_memory_slows_down_too():
    assert slowdowns([0.001] * 2, rss=90 * MIB)[-1] > 1.0


def test_own_and_childrens_use_are_told_apart():
    before = measure()
    code = "import time\nwhile time.process_time() < 0.2: pass\nprint('done', flush=True); input()"
    child = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        assert child.stdout is not None
        child.stdout.readline()
        during = measure()
    finally:
        child.communicate(b"\n")
    after = measure()
    assert during.stacks_rss_bytes >= before.stacks_rss_bytes + 3 * MIB
    assert during.agent_rss_bytes > 10 * MIB
    assert after.stacks_cpu_seconds - before.stacks_cpu_seconds == pytest.approx(0.2, abs=0.15)


def test_the_overhead_probe_emits_what_it_declares():
    state = SpoolState("0" * 16, 3, 4096, 9, 0, "")
    probe = Overhead(lambda: state, Budget(2.0, 80 * MIB, 0.0))
    host = Host(Path("/proc"), Path("/sys"), 1)
    first = {sample.metric for sample in probe.collect(host)}
    second = {(sample.metric, *sample.labels.values()): sample for sample in probe.collect(host)}
    assert "collector_cpu_seconds_total" not in first  # a counter's first reading is no increase
    assert {metric for metric, *_ in second} == {metric.name for metric in Overhead.METRICS}
    assert second["collector_spool_batches",].values == [3.0]
    assert second["collector_cpu_seconds_total", "agent"].counter
