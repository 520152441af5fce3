"""app.function_regression: a function that grew beyond chance, and not because other work came."""

import dataclasses

import pytest

from diagnose.correlate.samples import Profile
from tests.diagnose.correlate.rules.services import at_request, own, service
from tests.diagnose.correlate.rules.verdicts import the_verdict, verdicts
from tests.diagnose.correlate.windows import recorded, without

RULE = "app.function_regression"
PRICE, RENDER = own("price", 12), own("render", 40)


def shop(before, now, samples=400, cores=0.8):
    """Shares of `price`, yesterday and now."""

    def stacks(share):
        return [at_request(round(share * samples), PRICE), at_request(round((1 - share) * samples), RENDER)]

    yesterday = Profile("shop", 0, "cpu", 10**8, samples / 10, tuple(stacks(before)))
    return dataclasses.replace(service(cpu=stacks(now), cores=cores), baselines=(yesterday,))


def test_a_recorded_new_version_is_named_with_the_function_that_became_dearer():
    verdict = the_verdict(RULE, recorded("new-version-slower"))
    assert "% of its CPU time in price_basket (shop.py:" in verdict.headline
    assert any("times the CPU time a request" in line.text for line in verdict.evidence)


@pytest.mark.parametrize("name", ["same-version-usual", "much-json-usual"])
def test_a_version_as_quick_and_other_work_are_no_regression(name):
    assert verdicts(RULE, recorded(name)) == []


def test_without_stacks_it_is_unknown():
    assert verdicts(RULE, without(recorded("new-version-slower"), profiles=("cpu",))) is None


@pytest.mark.parametrize(
    ("before", "now", "more", "found"),
    [
        (0.1, 0.5, {}, True),
        (0.1, 0.15, {}, False),  # a little
        (0.3, 0.45, {"samples": 120}, False),  # it may be chance
        (0.1, 0.5, {"samples": 60}, False),  # too few samples
        (0.1, 0.5, {"cores": 0.1}, False),  # nobody notices
        (0.5, 0.1, {}, True),  # `render` grew then
    ],
)
def test_a_share_has_to_grow_beyond_the_interval_of_both_sides(before, now, more, found):
    assert bool(verdicts(RULE, shop(before, now, **more))) is found


def test_against_stored_profiles_what_requests_came_is_not_known():
    verdict = the_verdict(RULE, shop(0.1, 0.5))
    assert "10 % in the day before" in verdict.headline
    assert [line.role for line in verdict.evidence if line.kind == "missing"] == ["separates"]


def test_without_anything_before_there_is_nothing_to_compare():
    assert verdicts(RULE, dataclasses.replace(shop(0.1, 0.5), baselines=())) == []
