"""network.idle_connection_buildup: idle connections that only become more, told from many that stay."""

import pytest

from tests.diagnose.correlate.rules.verdicts import the_verdict, verdicts
from tests.diagnose.correlate.windows import recorded, synthetic, without

RULE = "network.idle_connection_buildup"
WEB = {"listener": "0.0.0.0:80"}
OWNER = WEB | {"pid": "812", "service": "shop"}


def window(established=(100, 300, 500, 700, 900), active=20.0, limit=4096.0):
    """Ten-second passes."""
    passes = len(established)
    return synthetic(
        {
            "tcp_connections": [(WEB | {"state": "established"}, established)],
            "tcp_active_connections": [(WEB, [active] * passes)],
            "listener_accept_queue_length": [(OWNER, [0.0] * passes)],
            "process_open_fds": [({"pid": "812", "service": "shop"}, [each + 10.0 for each in established])],
            "process_max_fds": [({"pid": "812", "service": "shop"}, [limit] * passes)],
        },
        step=10.0,
    )


def test_growth_is_told_with_the_time_until_the_files_are_full():
    verdict = the_verdict(RULE, window())
    assert verdict.subject.pid == 812
    assert "880 of 900" in verdict.headline
    assert "20 more each second" in verdict.headline
    assert "3186" not in verdict.headline
    assert "159 s" in verdict.headline or "3 min" in verdict.headline


def test_most_of_the_limit_taken_by_idle_ones_is_told_without_growth():
    assert "more each second" not in the_verdict(RULE, window((900,) * 5, limit=1024.0)).headline


@pytest.mark.parametrize(
    "samples",
    [
        window((10_000,) * 5, limit=20_000.0),  # many that stay
        window((100, 3000, 3000, 3000, 3000)),  # all came at once
        window((100, 300, 500, 700, 900), active=600.0),  # they talk
        window((100, 300, 200, 400, 300)),  # they come and go
        window((100, 300, 500, 700, 1000), limit=1010.0),  # the limit itself: limits.process_fds
        window((100, 300, 500, 700, 900), limit=10_000_000.0),  # days
        window((600, 700, 800)),  # for twenty seconds only
    ],
)
def test_many_lively_passing_and_far_from_a_limit_are_no_finding(samples):
    assert verdicts(RULE, samples) == []


def test_a_recorded_buildup_is_found():
    assert "more each second" in the_verdict(RULE, recorded("idle-connections-pile-up-slow")).headline


@pytest.mark.parametrize(
    "name", ["idle-connections-3000", "idle-connections-10000", "long-polls-usual", "kept-alive-usual"]
)
def test_recorded_health_is_no_finding(name):
    assert not verdicts(RULE, recorded(name))


def test_without_connections_it_is_unknown():
    assert verdicts(RULE, without(window(), "tcp_")) is None
