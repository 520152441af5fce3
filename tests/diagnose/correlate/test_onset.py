"""When readings changed their level, and that a cause does not start after its effect."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from diagnose.correlate import engine
from diagnose.correlate.onset import Onset, of_evidence, onset
from diagnose.correlate.rule import Evidence, Impact, Subject, Verdict
from diagnose.correlate.samples import Samples, Series

SECOND = 10**9


def series(values, metric="load", **labels) -> Series:
    return Series(metric, labels, np.arange(len(values), dtype=np.int64) * SECOND, np.array(values, float))


def noise(seed: int, count: int, level: float = 10.0) -> list[float]:
    return (level + np.random.default_rng(seed).normal(0, 1, count)).tolist()


@pytest.mark.parametrize("place", [10, 60, 105])
def test_a_step_is_found_where_it_is(place):
    found = onset(series(noise(1, place) + noise(2, 120 - place, level=20)))
    assert found is not None
    assert abs(found.at_ns / SECOND - place) <= 2
    assert found.first_ns <= found.at_ns <= found.last_ns
    assert (found.before, found.after) == (pytest.approx(10, abs=1), pytest.approx(20, abs=1))


def test_what_is_the_same_all_along_has_none():
    assert sum(onset(series(noise(seed, 120))) is not None for seed in range(300)) <= 4
    assert onset(series([0.0] * 120)) is None
    assert onset(series([7.0] * 120)) is None
    assert onset(series([1.0] * 5 + [9.0] * 5)) is None


def test_what_grows_all_the_time_began_before():
    assert onset(series(np.linspace(10, 500, 120).tolist())) is None
    assert onset(series((np.linspace(10, 30, 120) + noise(11, 120, level=0)).tolist())) is None


def test_wild_readings_do_not_move_it():
    values = noise(3, 60) + noise(4, 60, level=20)
    values[5], values[90] = 1e6, -1e6
    found = onset(series(values))
    assert found is not None
    assert abs(found.at_ns / SECOND - 60) <= 3


def test_drops_that_come_in_bursts_begin_with_the_first():
    quiet, bursts = [0.0] * 60, [0.0, 0.0, 0.0, 285.0] * 15
    found = onset(series(quiet + bursts))
    assert found is not None
    assert 55 <= found.at_ns / SECOND <= 70


@given(st.lists(st.floats(-1e9, 1e9), max_size=60))
def test_any_readings_have_an_onset_within_them_or_none(values):
    found = onset(series(values))
    assert found is None or 0 <= found.first_ns <= found.last_ns <= (len(values) - 1) * SECOND


@given(st.floats(1e-3, 1e3))
def test_the_unit_changes_nothing(factor):
    values = noise(5, 40) + noise(6, 80, level=16)
    one, other = onset(series(values)), onset(series([factor * value for value in values]))
    assert one is not None
    assert other is not None
    assert (one.at_ns, one.first_ns, one.last_ns) == (other.at_ns, other.first_ns, other.last_ns)


def line(value: float, threshold: float) -> Evidence:
    return Evidence(
        "supports", "decides", "…", metric="load", value=value, threshold=threshold, labels=(("pid", "7"),)
    )


def test_evidence_began_with_its_own_series_and_in_its_own_direction():
    rising = series(noise(7, 60) + noise(8, 60, level=20), pid="7", kind="x")
    other = series(noise(9, 20) + noise(10, 100, level=20), pid="8")
    samples = Samples("web-1", 0, 120 * SECOND, {"load": (rising, other)})
    found = of_evidence([line(20, 15)], samples)
    assert found is not None
    assert abs(found.at_ns / SECOND - 60) <= 2
    assert of_evidence([line(5, 15)], samples) is None


def judged(rule: str, explains: tuple[str, ...] = (), began: int | None = None) -> engine.Judgement:
    verdict = Verdict(Subject("shop", 7), "…", Impact(0.5, 1, "", "…"), (), explains=explains)
    found = None if began is None else Onset(began * SECOND, (began - 2) * SECOND, (began + 2) * SECOND, 0, 1)
    return engine.Judgement(rule, verdict, 0.9, False, onset=found)


@pytest.mark.parametrize(
    ("cause", "symptom", "folded"),
    [(50, 60, True), (60, 55, True), (90, 30, False), (None, 30, True), (90, None, True)],
)
def test_a_cause_does_not_start_after_its_effect(cause, symptom, folded):
    _, second = engine.fold([judged("a.cause", ("b.symptom",), cause), judged("b.symptom", (), symptom)])
    assert (second.explained_by == 0) is folded
