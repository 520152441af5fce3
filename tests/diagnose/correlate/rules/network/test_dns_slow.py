"""network.dns_slow: name servers that take long, or have to be asked again."""

import pytest

from tests.diagnose.correlate.rules.verdicts import the_verdict, verdicts
from tests.diagnose.correlate.windows import recorded, synthetic, without

RULE = "network.dns_slow"
SERVER = {"dst": "10.0.0.2:53", "service": "shop.service"}


def window(*steps):
    """Answers of each ten seconds."""
    watched = [({"probe": "dns"}, [10.0] * len(steps))]
    return synthetic(
        {"ebpf_observed_seconds_total": watched}, step=10.0, durations={"dns_seconds": [(SERVER, steps)]}
    )


def test_a_slow_server_is_told_with_who_waits_for_it():
    verdict = the_verdict(RULE, window(*[[0.005] * 20] * 4, *[[0.3] * 20] * 7))
    assert verdict.subject.destination == "10.0.0.2:53"
    assert "shop.service" in verdict.headline
    assert "5" in next(line.text for line in verdict.evidence if line.role == "corroborates")


def test_questions_that_were_asked_again_are_told_by_their_share():
    verdict = the_verdict(RULE, window(*[[0.004] * 18 + [5.004] * 2] * 7))
    assert "only when asked again" in verdict.headline
    assert any("timeout:1" in getattr(each.change, "what", "") for each in verdict.recommendations)


@pytest.mark.parametrize(
    "steps",
    [
        [[0.03] * 20] * 7,  # far away
        [[0.01] * 99 + [0.6]] * 7,  # names that no cache had
        [[0.5]] * 7,  # a name every ten seconds
        [
            [0.01] * 10,
            [1.5],
            [0.01] * 10,
            [0.01] * 10,
            [0.01] * 10,
            [0.01] * 10,
            [0.01] * 10,
        ],  # one lost question
        [[0.4] * 20] * 3 + [[0.005] * 20] * 7,  # over
    ],
)
def test_distance_rare_names_and_few_questions_are_no_finding(steps):
    assert verdicts(RULE, window(*steps)) == []


@pytest.mark.parametrize("name", ["slow-name-server-late", "slow-name-server-lossy"])
def test_a_recorded_slow_server_is_found(name):
    assert the_verdict(RULE, recorded(name)).subject.destination == "127.0.0.1:53"


@pytest.mark.parametrize("name", ["far-name-server-near", "idle-usual"])
def test_recorded_health_is_no_finding(name):
    assert verdicts(RULE, recorded(name)) == []


def test_nobody_asking_is_no_finding_but_without_the_probe_it_is_unknown():
    watched = window([], [], [])
    assert verdicts(RULE, watched) == []
    assert verdicts(RULE, without(watched, "ebpf_", "dns_")) is None
