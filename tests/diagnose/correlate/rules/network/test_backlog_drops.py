"""network.backlog_drops: a queue that is too short for bursts, on a CPU that has time."""

import pytest

from diagnose.correlate.rule import Sysctl
from tests.diagnose.correlate.rules.verdicts import the_verdict, verdicts
from tests.diagnose.correlate.windows import recorded, synthetic, without

RULE = "network.backlog_drops"


def window(dropped=300.0, idle=0.9):
    readings = {
        "softnet_processed_total": [({"cpu": "0"}, [5000.0] * 6)],
        "softnet_dropped_total": [({"cpu": "0"}, [5 * dropped] * 6)],
        "cpu_seconds_total": [
            ({"cpu": "0", "mode": "idle"}, [5 * idle] * 6),
            ({"cpu": "0", "mode": "softirq"}, [5 * (1 - idle)] * 6),
        ],
    }
    return synthetic(readings, step=5.0, facts={"sysctl.net.core.netdev_max_backlog": "1000"})


def test_bursts_on_an_idle_cpu_get_the_queue_that_they_need():
    (recommendation,) = the_verdict(RULE, window()).recommendations
    assert recommendation.change == Sysctl("net.core.netdev_max_backlog", 1000, 2048)


def test_a_cpu_that_cannot_keep_up_gets_no_longer_queue():
    verdict = the_verdict(RULE, window(idle=0.0))
    assert verdict.recommendations == ()
    assert any(line.kind == "contradicts" for line in verdict.evidence)


@pytest.mark.parametrize("name", ["idle-connections-3000", "udp-burst-default", "packet-loss-five"])
def test_recorded_traffic_without_drops_there_is_no_finding(name):
    assert verdicts(RULE, recorded(name)) == []


def test_without_softnet_it_is_unknown():
    assert verdicts(RULE, without(window(), "softnet_")) is None


def test_a_queue_whose_length_is_not_known_gets_no_number():
    samples = without(window(), facts=("sysctl.net.core.netdev_max_backlog",))
    verdict = the_verdict(RULE, samples)
    assert verdict.recommendations == ()
    assert verdict.unknown
