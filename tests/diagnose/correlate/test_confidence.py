"""One model weighs all evidence alike."""

import dataclasses

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from diagnose.correlate.confidence import confidence
from diagnose.correlate.engine import weights
from diagnose.correlate.rule import Evidence, strength

# Others may use the machine's CPUs meanwhile.
steady = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

DECIDES = Evidence("supports", "decides", "")
SEPARATES = Evidence("supports", "separates", "")


def of(*evidence):
    return confidence(evidence, weights())


def test_no_evidence_is_far_from_shown():
    assert of() < 0.2 < weights().shown_at


def test_one_deciding_reading_alone_is_only_just_shown():
    assert weights().shown_at < of(DECIDES) < 0.8


@pytest.mark.parametrize("role", ["decides", "separates", "corroborates"])
def test_a_missing_input_lowers_it_and_a_contradiction_lowers_it_more(role):
    base = (DECIDES, SEPARATES)
    missing = of(*base, Evidence("missing", role, ""))
    contradicted = of(*base, Evidence("contradicts", role, ""))
    assert contradicted < missing < of(*base) < of(*base, Evidence("supports", role, ""))


def test_a_reading_at_its_threshold_weighs_less_than_a_clear_one():
    assert of(dataclasses.replace(DECIDES, strength=0.0)) < of(DECIDES)


def test_it_never_claims_certainty_while_uncalibrated():
    assert not weights().calibrated
    assert of(*[DECIDES] * 20) == weights().highest < 1


@pytest.mark.parametrize(
    ("value", "threshold", "clear", "expected"),
    [(5, 10, 20, 0), (15, 10, 20, 0.5), (99, 10, 20, 1), (0.1, 0.2, 0.0, 0.5), (0.3, 0.2, 0.0, 0)],
)
def test_strength_grows_from_the_threshold_to_where_there_is_no_doubt(value, threshold, clear, expected):
    assert strength(value, threshold, clear) == pytest.approx(expected)


LINE = st.builds(
    Evidence,
    st.sampled_from(["supports", "contradicts", "missing"]),
    st.sampled_from(["decides", "separates", "corroborates"]),
    st.just(""),
    strength=st.floats(0, 1),
)


@given(st.lists(LINE, max_size=8), st.sampled_from(["decides", "separates", "corroborates"]), st.floats(0, 1))
@steady
def test_more_evidence_for_a_cause_never_lowers_it_and_against_it_never_raises_it(lines, role, clear):
    assert of(*lines, Evidence("supports", role, "", strength=clear)) >= of(*lines)
    assert of(*lines, Evidence("contradicts", role, "", strength=clear)) <= of(*lines)
    assert of(*lines, Evidence("missing", role, "")) <= of(*lines)


@given(st.lists(LINE, min_size=1, max_size=8), st.randoms(), st.floats(0, 1))
@steady
def test_clearer_readings_never_lower_it_and_their_order_changes_nothing(lines, chance, clear):
    first, *rest = lines
    clearer = dataclasses.replace(first, strength=max(first.strength, clear))
    assert (of(clearer, *rest) >= of(*lines)) or first.kind == "contradicts"
    mixed = chance.sample(lines, len(lines))
    assert of(*mixed) == pytest.approx(of(*lines))
