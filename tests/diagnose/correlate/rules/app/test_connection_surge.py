"""app.connection_surge: three times what came before, and it stays."""

import pytest

from tests.diagnose.correlate.rules.verdicts import the_verdict, verdicts
from tests.diagnose.correlate.windows import recorded, synthetic, without

RULE = "app.connection_surge"
SHOP = {"pid": "812", "service": "shop"}


def shop(before, now, age=3600.0, windows=9):
    rates = [before] * windows + [now] * 3
    return synthetic(
        {
            "tcp_incoming_connections_total": [({"listener": ":80"}, [10 * rate for rate in rates])],
            "listener_accept_queue_length": [({**SHOP, "listener": ":80"}, [0] * len(rates))],
            "process_age_seconds": [(SHOP, [age] * len(rates))],
        },
        step=10,
    )


def test_a_recorded_surge_is_named_with_its_listener_and_how_many_times():
    verdict = the_verdict(RULE, recorded("connection-surge-usual"))
    assert "times as many connections at 127.0.0.1:7803 as before" in verdict.headline


@pytest.mark.parametrize("name", ["rolling-restart-usual", "steady-work-usual", "burst-with-room-usual"])
def test_restarts_and_bursts_and_beginnings_are_no_surge(name):
    assert verdicts(RULE, recorded(name)) == []


def test_without_counted_connections_it_is_unknown():
    assert verdicts(RULE, without(recorded("connection-surge-usual"), "tcp_incoming")) is None


@pytest.mark.parametrize(
    ("before", "now", "more", "found"),
    [
        (10, 60, {}, True),
        (10, 25, {}, False),
        (0.2, 60, {}, False),  # from next to nothing
        (2, 10, {}, False),  # ten a second harm nobody
        (10, 60, {"age": 20.0}, False),  # its clients come back from a restart
        (10, 60, {"windows": 2}, False),  # nobody knows what is usual
    ],
)
def test_what_is_usual_has_to_be_known_and_tripled(before, now, more, found):
    assert bool(verdicts(RULE, shop(before, now, **more))) is found
