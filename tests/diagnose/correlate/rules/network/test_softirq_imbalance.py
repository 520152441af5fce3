"""network.softirq_imbalance: one CPU's figure, not the host's."""

import pytest

from diagnose.correlate.rule import PacketSteering
from tests.diagnose.correlate.rules.verdicts import the_verdict, verdicts
from tests.diagnose.correlate.windows import recorded, synthetic, without

RULE = "network.softirq_imbalance"


def cpus(*softirq, packets=(1000.0, 100_000.0), dropped=0.0):
    """Shares of five-second passes, by CPU."""
    steps = 6
    readings = {
        "softnet_processed_total": [
            ({"cpu": str(cpu)}, [5 * rate] * steps)
            for cpu, rate in zip(range(len(softirq)), packets, strict=True)
        ],
        "softnet_dropped_total": [
            ({"cpu": str(cpu)}, [5 * dropped * (cpu == 1)] * steps) for cpu in range(len(softirq))
        ],
        "cpu_seconds_total": [
            ({"cpu": str(cpu), "mode": mode}, [5 * value] * steps)
            for cpu, share in enumerate(softirq)
            for mode, value in (("softirq", share), ("idle", 1 - share))
        ],
    }
    return synthetic(readings, step=5.0)


def test_one_cpu_at_its_end_beside_an_idle_one_is_told_with_the_mask_of_both():
    verdict = the_verdict(RULE, cpus(0.05, 0.98, dropped=2000.0))
    assert verdict.subject.cpu == 1
    assert verdict.recommendations[-1].change == PacketSteering("", "0", "3")
    assert any("netdev_max_backlog" in each.action for each in verdict.will_not_help)


@pytest.mark.parametrize(
    "samples",
    [
        cpus(0.9, 0.9, packets=(90_000.0, 100_000.0)),  # saturation, balanced
        cpus(0.05, 0.4),  # busy, but in time
        cpus(0.05, 0.9, packets=(90_000.0, 100_000.0)),  # most of it is not the network's
        cpus(0.0, 0.9, packets=(10.0, 500.0)),  # timers or disks
    ],
)
def test_balanced_load_room_and_other_interrupts_are_no_finding(samples):
    assert verdicts(RULE, samples) == []


@pytest.mark.parametrize("name", ["idle-connections-3000", "udp-burst-default", "packet-loss-five"])
def test_recorded_traffic_that_fits_is_no_finding(name):
    assert verdicts(RULE, recorded(name)) == []


def test_without_softnet_it_is_unknown():
    assert verdicts(RULE, without(cpus(0.05, 0.98), "softnet_")) is None


def test_a_host_with_one_cpu_is_not_out_of_balance():
    assert verdicts(RULE, cpus(0.98, packets=(100_000.0,))) == []
