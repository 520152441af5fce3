"""network.reuseport_imbalance: one member's queue against those of the others."""

import pytest

from tests.diagnose.correlate.rules.verdicts import the_verdict, verdicts
from tests.diagnose.correlate.windows import recorded, synthetic, without

RULE = "network.reuseport_imbalance"


def window(*queues, accepts=None):
    """Of each member its readings, ten seconds apart; `accepts` by member."""
    labels = [
        {"listener": "0.0.0.0:80", "member": str(9000 + at), "pid": str(800 + at), "service": "shop"}
        for at in range(len(queues))
    ]
    return synthetic(
        {
            "listener_accept_queue_length": [({"listener": "0.0.0.0:80", "pid": "800"}, [0.0] * 3)],
            "reuseport_member_queue_length": list(zip(labels, queues, strict=True)),
            "reuseport_member_accepts_total": [
                (mine, [each] * 3) for mine, each in zip(labels, accepts or (), strict=False)
            ],
        },
        step=10.0,
    )


def test_the_member_at_which_connections_wait_is_told_with_its_process():
    verdict = the_verdict(RULE, window([0, 1, 0], [20, 30, 40], [1, 0, 0], accepts=(300, 20, 300)))
    assert verdict.subject.pid == 801
    assert "30 connections wait at one of 3" in verdict.headline
    assert any("10 %" in line.text for line in verdict.evidence)


@pytest.mark.parametrize(
    "samples",
    [
        window([30, 40, 50], [30, 40, 50], [35, 45, 55]),  # all are slow
        window([0, 0, 0], [0, 40, 0], [0, 0, 0]),  # a moment
        window([0, 0, 0], [2, 3, 2], [0, 0, 0], accepts=(300, 90, 300)),  # unequal, and nobody waits
        window([30, 40, 50]),  # a single one
    ],
)
def test_queues_alike_moments_and_mere_inequality_are_no_finding(samples):
    assert verdicts(RULE, samples) == []


def test_a_recorded_slow_member_is_found():
    assert "one of 4 listeners" in the_verdict(RULE, recorded("one-member-slow-usual")).headline


@pytest.mark.parametrize("name", ["members-alike-usual", "kept-alive-usual"])
def test_recorded_health_is_no_finding(name):
    assert verdicts(RULE, recorded(name)) == []


def test_without_listeners_it_is_unknown():
    assert verdicts(RULE, without(window([0, 1, 0], [20, 30, 40]), "listener_", "reuseport_")) is None
