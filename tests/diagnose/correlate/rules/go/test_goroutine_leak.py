"""go.goroutine_leak: growth that connections do not explain, and what it was started with."""

import pytest

from tests.diagnose.correlate.rules.go import programs
from tests.diagnose.correlate.rules.go.programs import HANDLE, NOTIFIED, READS, STEPS
from tests.diagnose.correlate.rules.verdicts import the_verdict, verdicts
from tests.diagnose.correlate.windows import recorded, without

RULE = "go.goroutine_leak"
STACKS = programs.goroutines((NOTIFIED, 400), ((HANDLE, *READS), 10))


def window(numbers=None, connections=None, age=600.0, profiles=()):
    numbers = numbers or [20.0 + 50 * step for step in range(STEPS)]
    gauges = {
        "go_goroutines": numbers,
        "process_age_seconds": [age] * STEPS,
        "netstat_Tcp_CurrEstab": connections or [10.0] * STEPS,
    }
    return programs.window(gauges, profiles=profiles)


def test_even_growth_is_found_with_what_most_of_them_were_started_with():
    verdict = the_verdict(RULE, window(profiles=[STACKS]))
    assert "300 more a minute" in verdict.headline
    assert "main.notify.func1 (main.go:52)" in verdict.headline
    assert "/srv/shop/main.go:52" in verdict.recommendations[0].change.where


def test_it_is_found_without_their_stacks_too():
    verdict = the_verdict(RULE, window())
    assert "begun with" not in verdict.headline
    assert "goroutine?debug=1" in verdict.recommendations[0].change.command


@pytest.mark.parametrize(
    "odd",
    [
        {"numbers": [2000.0] * STEPS},
        {"numbers": [20.0, 300.0, 20.0, 280.0, 20.0, 300.0, 30.0, 290.0]},
        {"numbers": [20 + 300 * (1 - 0.4**step) for step in range(STEPS)]},
        {"connections": [10.0 + 48 * step for step in range(STEPS)]},
        {"age": 20.0},
    ],
    ids=["many and even", "bursts", "levels off", "connections", "just started"],
)
def test_what_comes_and_goes_or_has_its_reason_is_no_finding(odd):
    assert verdicts(RULE, window(**odd)) == []


def test_a_recorded_leak_is_found():
    assert "main.notify" in the_verdict(RULE, recorded("goroutine-leak-fast")).headline


def test_recorded_goroutines_that_are_as_many_all_along_are_no_finding():
    assert verdicts(RULE, recorded("go-mutex-5ms")) == []


def test_without_their_number_it_is_unknown():
    assert verdicts(RULE, without(recorded("goroutine-leak-fast"), "go_")) is None
