"""cpu.context_switch_storm: threads that wake one another and do nothing else."""

import pytest

from tests.diagnose.correlate.rules.verdicts import the_verdict, verdicts
from tests.diagnose.correlate.windows import recorded, synthetic, without

RULE = "cpu.context_switch_storm"
PROCESS = {"pid": "41", "service": "shop"}


def window(
    voluntary=100_000.0, involuntary=1000.0, cores=1.2, threads=16.0, locks=6.0, peers=1.0, system=0.4
):
    """Five-second passes."""
    steps = 8
    return synthetic(
        {
            "process_context_switches_total": [
                ({**PROCESS, "type": "voluntary"}, [5 * voluntary] * steps),
                ({**PROCESS, "type": "involuntary"}, [5 * involuntary] * steps),
            ],
            "process_cpu_seconds_total": [(PROCESS, [5 * cores] * steps)],
            "process_threads": [(PROCESS, [threads] * steps)],
            "service_threads_waiting": [
                ({"service": "shop", "wait": "lock"}, [locks] * steps),
                ({"service": "shop", "wait": "poll"}, [peers] * steps),
            ],
            "cpu_seconds_total": [
                ({"cpu": "0", "mode": "system"}, [5 * system] * steps),
                ({"cpu": "0", "mode": "user"}, [5 * (1 - system)] * steps),
            ],
        },
        step=5.0,
    )


def test_threads_that_wake_one_another_are_found():
    verdict = the_verdict(RULE, window())
    assert verdict.subject.pid == 41
    assert "101,000 times a second, 11.9 µs each" in verdict.headline
    assert any("more threads" in each.action for each in verdict.will_not_help)


@pytest.mark.parametrize(
    "odd",
    [
        {"voluntary": 9000.0},
        {"voluntary": 1000.0, "involuntary": 100_000.0},
        {"locks": 0.0, "peers": 4.0},
        {"voluntary": 30_000.0, "cores": 1.8},
    ],
    ids=["64 threads on one lock", "CPU-bound", "a server of messages", "work in between"],
)
def test_what_switches_for_other_reasons_is_no_finding(odd):
    assert verdicts(RULE, window(**odd)) == []


def test_recorded_threads_at_one_lock_are_no_finding():
    assert verdicts(RULE, recorded("lock-convoy-forty")) == []


def test_without_switches_it_is_unknown():
    assert verdicts(RULE, without(recorded("lock-convoy-forty"), "process_context")) is None
