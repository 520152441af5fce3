"""cpu.frequency_limited: the rate of busy CPUs; virtual machines tell none, so these windows are made by hand."""

import pytest

from tests.diagnose.correlate.rules.verdicts import the_verdict, verdicts
from tests.diagnose.correlate.windows import recorded, synthetic

RULE = "cpu.frequency_limited"


def window(now=1.2, allowed=3.5, busy=0.9, throttles=20.0):
    """GHz of a CPU whose best is 3.5."""
    cpu, steps = {"cpu": "0"}, 4
    readings = {
        "cpu_scaling_frequency_hertz": [(cpu, [now * 1e9] * steps)],
        "cpu_scaling_frequency_max_hertz": [(cpu, [allowed * 1e9] * steps)],
        "cpu_frequency_max_hertz": [(cpu, [3.5e9] * steps)],
        "cpu_core_throttles_total": [(cpu, [throttles] * steps)],
        "cpu_seconds_total": [
            ({**cpu, "mode": "user"}, [10 * busy] * steps),
            ({**cpu, "mode": "idle"}, [10 * (1 - busy)] * steps),
        ],
    }
    return synthetic(readings, step=10.0)


def test_heat_is_told_from_settings():
    assert "heat slows them down" in the_verdict(RULE, window()).headline
    limited = the_verdict(RULE, window(throttles=0.0, allowed=1.2))
    assert "their settings allow no more" in limited.headline
    assert "--max 3500000kHz" in limited.recommendations[0].change.what


@pytest.mark.parametrize(
    "odd",
    [{"now": 3.0}, {"busy": 0.2}, {"throttles": 0.0}],
    ids=["near its best", "idle CPUs clock down", "neither heat nor settings"],
)
def test_what_runs_well_or_has_no_need_to_is_no_finding(odd):
    assert verdicts(RULE, window(**odd)) == []


def test_a_recorded_virtual_machine_is_unknown():
    assert verdicts(RULE, recorded("steady-work-usual")) is None
