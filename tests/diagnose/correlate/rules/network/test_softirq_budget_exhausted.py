"""network.softirq_budget_exhausted: squeezes that harm somebody."""

import pytest

from diagnose.correlate.rule import Sysctl
from tests.diagnose.correlate.rules.verdicts import the_verdict, verdicts
from tests.diagnose.correlate.windows import recorded, synthetic, without

RULE = "network.softirq_budget_exhausted"
FACTS = {"sysctl.net.core.netdev_budget": "300", "sysctl.net.core.netdev_budget_usecs": "8000"}


def window(squeezed=60.0, dropped=100.0, softirq=0.6):
    readings = {
        "softnet_processed_total": [({"cpu": "0"}, [50_000.0] * 6)],
        "softnet_times_squeezed_total": [({"cpu": "0"}, [5 * squeezed] * 6)],
        "softnet_dropped_total": [({"cpu": "0"}, [5 * dropped] * 6)],
        "cpu_seconds_total": [
            ({"cpu": "0", "mode": "softirq"}, [5 * softirq] * 6),
            ({"cpu": "0", "mode": "idle"}, [5 * (1 - softirq)] * 6),
        ],
    }
    return synthetic(readings, step=5.0, facts=FACTS)


def test_both_budgets_are_raised_together():
    changes = [each.change for each in the_verdict(RULE, window()).recommendations]
    assert changes == [
        Sysctl("net.core.netdev_budget", 300, 600),
        Sysctl("net.core.netdev_budget_usecs", 8000, 16000),
    ]


@pytest.mark.parametrize("more", [{"dropped": 0.0, "softirq": 0.1}, {"squeezed": 0.5}])
def test_squeezes_that_harm_nobody_are_no_finding(more):
    """Measured: 716 squeezes without a drop or any latency."""
    assert verdicts(RULE, window(**more)) == []


@pytest.mark.parametrize("name", ["idle-connections-3000", "udp-burst-default"])
def test_recorded_traffic_that_fits_is_no_finding(name):
    assert verdicts(RULE, recorded(name)) == []


def test_without_softnet_it_is_unknown():
    assert verdicts(RULE, without(window(), "softnet_")) is None
