"""network.nic_drops: what the card had no room for, and not what the kernel dropped behind it."""

import pytest

from diagnose.correlate.change import CardQueues, RingSize
from tests.diagnose.correlate.rules.verdicts import the_verdict, verdicts
from tests.diagnose.correlate.windows import recorded, synthetic, without

RULE = "network.nic_drops"
CARD = {"device": "eth0"}
FACTS = {"nic.eth0.rx_ring": "256", "nic.eth0.rx_ring_max": "4096", "nic.eth0.driver": "ixgbe"}


def window(missed=300.0, dropped=0.0, driver=(), softirq=1.0, facts=FACTS):
    """Ten-second passes with 100,000 packets each, of two CPUs; `driver` has (counter, increase) of each."""
    passes = 7
    return synthetic(
        {
            "network_receive_packets_total": [(CARD, [1e5] * passes)],
            "network_receive_missed_errors_total": [(CARD, [missed] * passes)],
            "network_receive_fifo_total": [(CARD, [0.0] * passes)],
            "network_receive_drop_total": [(CARD, [dropped] * passes)],
            "network_receive_nohandler_total": [(CARD, [dropped] * passes)],
            "network_driver_drops_total": [
                (CARD | {"counter": name}, [each] * passes) for name, each in driver
            ],
            "softnet_processed_total": [({"cpu": "0"}, [1e5] * passes)],
            "cpu_seconds_total": [
                ({"cpu": "0", "mode": "softirq"}, [softirq] * passes),
                ({"cpu": "0", "mode": "idle"}, [10 - softirq] * passes),
            ],
        },
        step=10.0,
        facts=facts,
    )


def test_a_short_ring_is_made_longer_as_far_as_the_card_goes():
    verdict = the_verdict(RULE, window())
    assert verdict.subject.device == "eth0"
    assert RingSize("eth0", 256, 1024) in [each.change for each in verdict.recommendations]
    (other,) = verdicts(RULE, window(facts=FACTS | {"nic.eth0.rx_ring": "2048"}))
    assert RingSize("eth0", 2048, 4096) in [each.change for each in other.recommendations]


def test_what_only_the_driver_counts_is_found_and_its_queues_are_proposed():
    facts = FACTS | {"nic.eth0.combined": "1", "nic.eth0.combined_max": "8"}
    verdict = the_verdict(RULE, window(missed=0.0, driver=[("rx_out_of_buffer", 400.0)], facts=facts))
    assert "rx_out_of_buffer" in verdict.headline
    assert CardQueues("eth0", 1, 8) in [each.change for each in verdict.recommendations]


def test_a_cpu_that_comes_too_late_speaks_against_the_ring():
    lines = the_verdict(RULE, window(softirq=9.5)).evidence
    assert any(line.kind == "contradicts" and "too late" in line.text for line in lines)


@pytest.mark.parametrize(
    "samples",
    [
        window(missed=0.0, dropped=5000.0),  # unhandled protocols and what the kernel dropped
        window(missed=2.0),
        window(
            missed=0.0, driver=[("rx_crc_errors", 900.0), ("tx_dropped", 900.0)]
        ),  # the cable; what was sent
    ],
)
def test_kernel_drops_a_bad_cable_and_single_packets_are_no_finding(samples):
    assert verdicts(RULE, samples) == []


@pytest.mark.parametrize("name", ["strange-protocols-usual", "idle-usual", "packet-loss-one"])
def test_recorded_devices_that_drop_for_other_reasons_are_no_finding(name):
    assert verdicts(RULE, recorded(name)) == []


def test_without_device_counters_it_is_unknown():
    assert verdicts(RULE, without(window(), "network_receive")) is None
