"""network.tls_full_handshakes: the same clients, and no session resumed."""

import pytest

from tests.diagnose.correlate.rules.verdicts import the_verdict, verdicts
from tests.diagnose.correlate.windows import recorded, synthetic, without

RULE = "network.tls_full_handshakes"
LISTENER = {"listener": "0.0.0.0:443"}
SHOP = LISTENER | {"service": "shop"}


def window(full=120.0, resumed=1.0, sources=(1.0,), passes=5, version="1.2"):
    """Rates; ten-second passes. `sources` are shares of networks."""
    kind = SHOP | {"version": version, "alpn": "none"}
    return synthetic(
        {
            "ebpf_observed_seconds_total": [({"probe": "tls_handshakes"}, [10.0] * passes)],
            "tls_handshakes_total": [
                (kind | {"resumed": "no"}, [10 * full] * passes),
                (kind | {"resumed": "yes"}, [10 * resumed] * passes),
            ],
            "listener_source_connections_total": [
                (LISTENER | {"prefix": f"10.0.{at}.0/24"}, [1000.0 * share] * passes)
                for at, share in enumerate(sources)
            ],
            "listener_accept_queue_length": [(SHOP | {"pid": "812"}, [0] * passes)],
            "listener_accept_queue_limit": [(SHOP | {"pid": "812"}, [512] * passes)],
        },
        step=10.0,
        durations={
            "tls_handshake_seconds": [
                (SHOP | {"version": version, "resumed": "no"}, [[0.004] * 9] * passes),
                (SHOP | {"version": version, "resumed": "yes"}, [[0.001]] * passes),
            ]
        },
    )


def test_full_handshakes_of_the_same_clients_are_told():
    verdict = the_verdict(RULE, window())
    assert (verdict.subject.service, verdict.subject.pid) == ("shop", 812)
    assert "from 10.0.0.0/24" in verdict.headline
    assert any("TLS 1.3" in getattr(each.change, "what", "") for each in verdict.recommendations)
    assert any("of those that resume" in line.text for line in verdict.evidence)


def test_who_speaks_tls_1_3_already_is_not_told_to():
    verdict = the_verdict(RULE, window(version="1.3"))
    assert not any("offer TLS 1.3" in getattr(each.change, "what", "") for each in verdict.recommendations)


@pytest.mark.parametrize(
    "samples",
    [
        window(full=10.0, resumed=110.0),
        window(full=12.0),
        window(sources=(0.2,) * 5),  # clients of many networks, who come once
        window(passes=1),  # all that start at the same time
    ],
)
def test_resumed_few_and_first_handshakes_are_no_finding(samples):
    assert verdicts(RULE, samples) == []


def test_recorded_full_handshakes_are_found():
    assert the_verdict(RULE, recorded("no-session-resumed-usual")).subject.listener.endswith(":7401")


@pytest.mark.parametrize("name", ["sessions-resumed-usual", "few-handshakes-usual", "kept-alive-usual"])
def test_recorded_health_is_no_finding(name):
    assert not verdicts(RULE, recorded(name))


def test_without_the_probe_it_is_unknown():
    assert verdicts(RULE, without(window(), "ebpf_observed")) is None
