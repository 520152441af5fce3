"""network.connection_churn: the same clients, again and again, for a moment each."""

import pytest

from tests.diagnose.correlate.rules.verdicts import the_verdict, verdicts
from tests.diagnose.correlate.windows import recorded, synthetic, without

RULE = "network.connection_churn"
SHOP = {"listener": "0.0.0.0:443"}


def window(rate=400.0, established=8.0, sources=(1.0,), passes=4):
    """Ten-second passes; `sources` are shares of networks."""
    return synthetic(
        {
            "tcp_incoming_connections_total": [(SHOP, [10 * rate] * passes)],
            "listener_source_connections_total": [
                (SHOP | {"prefix": f"10.0.{number}.0/24"}, [10 * rate * share] * passes)
                for number, share in enumerate(sources)
            ],
            "tcp_connections": [(SHOP | {"state": "established"}, [established] * passes)],
            "listener_accept_queue_length": [(SHOP | {"pid": "812", "service": "shop"}, [0] * passes)],
            "listener_accept_queue_limit": [(SHOP | {"pid": "812", "service": "shop"}, [512] * passes)],
        },
        step=10.0,
    )


def test_the_same_clients_again_and_again_are_told_with_their_network():
    verdict = the_verdict(RULE, window())
    assert verdict.subject.service == "shop"
    assert "from 10.0.0.0/24" in verdict.headline
    assert "8 at once" in verdict.recommendations[0].formula


@pytest.mark.parametrize(
    "samples",
    [
        window(sources=(0.2,) * 5),  # many networks, who all have to connect
        window(rate=60.0),
        window(established=2000.0),  # they stay
        window(passes=2),  # a burst
    ],
)
def test_many_clients_few_connections_long_ones_and_bursts_are_no_finding(samples):
    assert verdicts(RULE, samples) == []


@pytest.mark.parametrize(
    "name", ["kept-alive-usual", "time-wait-with-ports-to-spare-usual", "steady-work-usual"]
)
def test_recorded_health_is_no_finding(name):
    assert not verdicts(RULE, recorded(name))


def test_without_arrivals_it_is_unknown():
    assert verdicts(RULE, without(window(), "tcp_incoming")) is None
