"""Whatever a host sends: the engine answers or says unknown, never fails, and finds nothing in what is not there."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from diagnose.correlate import engine
from diagnose.correlate.samples import Samples, Series
from tests.diagnose.correlate.windows import recorded, synthetic

FAULTY = ("small_backlog", "slow_acceptor", "fd_leak_at_limit", "cpu-quota-hard", "ports-exhausted-narrow")
HEALTHY = (
    "healthy",
    "busy_but_healthy",
    "burst_with_room",
    "one_client",
    "rolling-restart-usual",
    "time-wait-with-ports-to-spare-usual",
    "udp-with-room-usual",
    "quota-with-room-usual",
)
Twist = Callable[[Series, np.random.Generator], Series]
few = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def cut(series: Series, kept: np.ndarray) -> Series:
    return dataclasses.replace(series, times_ns=series.times_ns[kept], values=series.values[kept])


def with_a_gap(series: Series, chance: np.random.Generator) -> Series:
    """As if the collector could not read for a part of the window."""
    first, last = sorted(chance.integers(0, len(series.values) + 1, 2))
    return cut(series, np.r_[0:first, last : len(series.values)])


def after_a_reboot(series: Series, chance: np.random.Generator) -> Series:
    """Counters begin anew: nothing from before, and the first increase after it is what had counted until then."""
    begin = int(chance.integers(0, len(series.values)))
    found = cut(series, np.arange(begin, len(series.values)))
    if series.counter and len(found.values):
        found.values[0] = chance.choice([0.0, 2.0**31])
    return found


def of_one_sample(series: Series, chance: np.random.Generator) -> Series:
    return cut(series, np.array([chance.integers(0, len(series.values))]))


def with_a_clock_that_jumps(series: Series, chance: np.random.Generator) -> Series:
    """Part of it is stamped up to a minute off; the store hands readings out in order of time."""
    times = series.times_ns.copy()
    times[int(chance.integers(0, len(times))) :] += int(chance.integers(-60, 60)) * 10**9
    order = np.argsort(times, kind="stable")
    return dataclasses.replace(series, times_ns=times[order], values=series.values[order])


def with_what_is_no_number(series: Series, chance: np.random.Generator) -> Series:
    values = series.values.copy()
    values[chance.random(len(values)) < 0.3] = chance.choice([np.nan, np.inf, -np.inf])
    return dataclasses.replace(series, values=values).known()


def wrapped(series: Series, chance: np.random.Generator) -> Series:
    """A counter of 32 bits that an agent took for a decrease, or for one of its whole range."""
    values = series.values.copy()
    if series.counter:
        values[int(chance.integers(0, len(values)))] = chance.choice([-(2.0**32), 2.0**32, 2.0**64])
    return dataclasses.replace(series, values=values).known()


TWISTS: tuple[Twist, ...] = (
    with_a_gap, after_a_reboot, of_one_sample, with_a_clock_that_jumps, with_what_is_no_number, wrapped,
)  # fmt: skip


def twisted(samples: Samples, how: Twist, share: float, seed: int) -> Samples:
    """`how` of that share of the series."""
    chance = np.random.default_rng(seed)
    found: dict[str, tuple[Series, ...]] = {}
    for metric, group in samples.series.items():
        copies = (dataclasses.replace(each, values=each.values.copy()) for each in group)
        made = [how(each, chance) if chance.random() < share else each for each in copies]
        if kept := tuple(each for each in made if len(each.values)):
            found[metric] = kept
    return dataclasses.replace(samples, series=found)


@pytest.mark.parametrize("how", TWISTS, ids=lambda how: how.__name__)
@given(
    name=st.sampled_from(FAULTY + HEALTHY), share=st.sampled_from([0.3, 1.0]), seed=st.integers(0, 2**32 - 1)
)
@few
def test_the_engine_answers_or_says_why_not(how, name, share, seed):
    evaluation = engine.evaluate(twisted(recorded(name), how, share, seed))
    for each in evaluation.judgements:
        assert 0 <= each.confidence <= 1
        assert 0 <= each.verdict.impact.share <= 1
        assert each.verdict.headline
        assert "nan" not in each.verdict.headline
    assert all(each.why for each in evaluation.unknown)


# Of instances that restart in turn all but one may be unread: then one seems to refuse all.
RESTARTING = "rolling-restart-usual"


@given(
    name=st.sampled_from([name for name in HEALTHY if name != RESTARTING]),
    how=st.sampled_from((with_a_gap, of_one_sample, with_what_is_no_number)),
    seed=st.integers(0, 2**32 - 1),
)
@few
def test_health_with_holes_in_it_is_no_finding(name, how, seed):
    assert engine.evaluate(twisted(recorded(name), how, 0.5, seed)).judgements == ()


@given(name=st.sampled_from(HEALTHY), seed=st.integers(0, 2**32 - 1))
@few
def test_nothing_is_found_out_of_what_is_missing(name, seed):
    """Probes, facts and profiles of a healthy host that are not there."""
    samples, chance = recorded(name), np.random.default_rng(seed)

    def left(names):
        return {each for each in names if chance.random() < 0.6}

    series, facts, kinds = left(samples.series), left(samples.facts), left({"cpu", "gil", "wall"})
    less = dataclasses.replace(
        samples,
        series={name: group for name, group in samples.series.items() if name in series},
        facts={name: value for name, value in samples.facts.items() if name in facts},
        profiles=tuple(each for each in samples.profiles if each.type in kinds),
    )
    assert engine.evaluate(less).judgements == ()


@given(name=st.sampled_from(FAULTY + HEALTHY), seed=st.integers(0, 2**32 - 1))
@few
def test_the_order_of_series_labels_and_facts_changes_nothing(name, seed):
    samples, chance = recorded(name), np.random.default_rng(seed)

    def shuffled(found):
        return [found[at] for at in chance.permutation(len(found))]

    def turned(series):
        return dataclasses.replace(series, labels=dict(shuffled(list(series.labels.items()))))

    mixed = dataclasses.replace(
        samples,
        series={
            metric: tuple(turned(each) for each in shuffled(group))
            for metric, group in shuffled(list(samples.series.items()))
        },
        facts=dict(shuffled(list(samples.facts.items()))),
    )
    assert told(mixed) == told(samples)


@given(name=st.sampled_from(FAULTY), hours=st.integers(-10_000, 10_000))
@few
def test_when_it_happened_changes_nothing(name, hours):
    samples, shift_ns = recorded(name), hours * 3600 * 10**9
    moved = dataclasses.replace(
        samples,
        start_ns=samples.start_ns + shift_ns,
        end_ns=samples.end_ns + shift_ns,
        series={
            metric: tuple(dataclasses.replace(each, times_ns=each.times_ns + shift_ns) for each in group)
            for metric, group in samples.series.items()
        },
    )
    assert told(moved) == told(samples)


def told(samples: Samples) -> list[tuple[str, str, float, str]]:
    """What it comes to, in one order."""
    found = engine.evaluate(samples).judgements
    causes = [found[each.explained_by].rule if each.explained_by is not None else "" for each in found]
    return sorted(
        (each.rule, each.verdict.headline, round(each.confidence, 9), cause)
        for each, cause in zip(found, causes, strict=True)
    )


def large(services: int, cpus: int) -> Samples:
    """So many quiet services, each with a listener, and so many quiet CPUs."""
    ones, level, zero = [1.0] * 60, [5.0] * 60, [0.0] * 60
    each = [({"pid": str(n), "service": f"s{n}"}, n) for n in range(1, services + 1)]
    listening = [(labels | {"listener": f"0.0.0.0:{1000 + n}"}, n) for labels, n in each]
    cores = [({"cpu": str(n)}, n) for n in range(cpus)]
    return synthetic(
        {
            "process_open_fds": [(labels, level) for labels, _ in each],
            "process_max_fds": [(labels, [1024.0] * 60) for labels, _ in each],
            "process_cpu_seconds_total": [(labels, [0.01] * 60) for labels, _ in each],
            "listener_accept_queue_length": [(labels, zero) for labels, _ in listening],
            "listener_accept_queue_limit": [(labels, [128.0] * 60) for labels, _ in listening],
            "softnet_dropped_total": [(labels, zero) for labels, _ in cores],
            "softnet_times_squeezed_total": [(labels, zero) for labels, _ in cores],
            "softnet_processed_total": [(labels, ones) for labels, _ in cores],
            "cpu_seconds_total": [
                (labels | {"mode": mode}, [share] * 60)
                for labels, _ in cores
                for mode, share in (("idle", 0.9), ("user", 0.1), ("softirq", 0.0))
            ],
        },
        facts={"cpu.count": str(cpus)},
    )


def test_a_thousand_services_on_256_cpus_are_judged_in_time():
    samples = large(1000, 256)
    engine.evaluate(samples)
    began = time.process_time()
    evaluation = engine.evaluate(samples)
    assert time.process_time() - began < 1.0
    assert evaluation.judgements == ()


def test_the_one_in_trouble_is_found_among_a_thousand():
    samples = large(1000, 256)
    full = tuple(
        dataclasses.replace(each, values=np.full(60, 1023.0)) if each.labels["pid"] == "500" else each
        for each in samples.of("process_open_fds")
    )
    found = engine.evaluate(dataclasses.replace(samples, series=samples.series | {"process_open_fds": full}))
    assert [(each.rule, each.verdict.subject.service) for each in found.judgements] == [
        ("limits.process_fds", "s500")
    ]


@pytest.mark.parametrize("seconds", [0, 1, 5])
def test_a_window_of_moments_tells_nothing(seconds):
    samples = recorded("small_backlog")
    series = {
        metric: tuple(
            kept for each in group if len((kept := each.since(samples.end_ns - seconds * 10**9)).values)
        )
        for metric, group in samples.series.items()
    }
    short = dataclasses.replace(
        samples,
        start_ns=samples.end_ns - seconds * 10**9,
        series={metric: group for metric, group in series.items() if group},
    )
    assert all(0 <= each.confidence <= 1 for each in engine.evaluate(short).judgements)
