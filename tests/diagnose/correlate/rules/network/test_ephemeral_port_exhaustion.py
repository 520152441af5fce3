"""network.ephemeral_port_exhaustion: ports to one destination against the range, and calls that fail without one."""

import dataclasses

from diagnose.correlate.rule import Code, Sysctl
from tests.diagnose.correlate.rules.verdicts import the_verdict, verdicts
from tests.diagnose.correlate.windows import recorded, synthetic, without

RULE = "network.ephemeral_port_exhaustion"
DST = {"dst": "10.0.0.9:5432"}
RANGE = "sysctl.net.ipv4.ip_local_port_range"


def readings(waits=(900, 990, 1000), failures=200.0, **more):
    """Three passes of the connections' probe, ten seconds apart."""
    found = {
        "tcp_destination_time_wait": [(DST, list(waits))],
        "ebpf_observed_seconds_total": [({"probe": "syscall_errors"}, [10.0] * 3)],
        "netstat_Tcp_ActiveOpens": [({}, [200.0] * 3)],
    }
    if failures is not None:
        labels = {"service": "shop", "syscall": "connect", "error": "EADDRNOTAVAIL"}
        found["syscall_errors_total"] = [(labels, [failures / 3] * 3)]
    return found | more


def facts(first=32768, last=33767, tw_reuse=0):
    return {
        RANGE: f"{first} {last}",
        "sysctl.net.ipv4.tcp_tw_reuse": str(tw_reuse),
        "sysctl.net.ipv4.tcp_timestamps": "1",
    }


def window(*, given=None, **more):
    return synthetic(readings(**more), step=10.0, facts=facts() if given is None else given)


def test_recorded_failures_name_client_and_destination_and_size_the_range_by_the_rate():
    verdict = the_verdict(RULE, recorded("ports-exhausted-wide"))
    assert verdict.subject.service == "client.py"
    assert verdict.subject.destination == "127.0.0.1:7101"
    assert isinstance(verdict.recommendations[0].change, Code)
    changes = {
        each.change.name: each.change for each in verdict.recommendations if isinstance(each.change, Sysctl)
    }
    assert changes["net.ipv4.tcp_tw_reuse"].proposed == 1
    first, last = changes["net.ipv4.ip_local_port_range"].proposed.split()
    assert int(last) - int(first) + 1 >= 90 * 60
    assert any("tcp_tw_recycle" in each.action for each in verdict.will_not_help)


def test_recorded_time_wait_that_is_spread_is_no_finding():
    assert verdicts(RULE, recorded("time-wait-spread-spread")) == []


def test_recorded_time_wait_with_ports_to_spare_is_no_finding():
    assert verdicts(RULE, recorded("time-wait-with-ports-to-spare-usual")) == []


def test_without_connections_it_is_unknown():
    assert verdicts(RULE, without(recorded("ports-exhausted-wide"), "tcp_")) is None


def test_a_range_that_is_used_up_is_told_where_failures_are_not_counted():
    samples = without(window(), "syscall_", "ebpf_")
    verdict = the_verdict(RULE, samples)
    assert "1,000 of 1,000 in use" in verdict.headline
    assert any(line.kind == "missing" and line.role == "decides" for line in verdict.evidence)


def test_a_range_that_is_used_up_without_a_failure_is_no_finding_where_they_are_counted():
    assert verdicts(RULE, window(failures=None)) == []


def test_ports_that_may_be_used_again_are_not_used_up():
    assert verdicts(RULE, without(window(given=facts(tw_reuse=1)), "syscall_", "ebpf_")) == []


def test_failures_while_connections_to_the_destination_still_become_more_are_not_blamed_on_it():
    """They may be of another network namespace, or for want of the right source address."""
    assert verdicts(RULE, window(waits=(100, 700, 1300), given=facts(1024, 65535))) == []


def test_the_range_of_another_namespace_is_not_taken_for_its_own():
    inside = DST | {"netns": "402653"}
    samples = window(tcp_destination_time_wait=[(inside, [990, 1000, 1000])])
    verdict = the_verdict(RULE, samples)
    assert not any(isinstance(each.change, Sysctl) for each in verdict.recommendations)
    assert any(each.what == "the range of local ports" for each in verdict.unknown)


def test_a_range_that_cannot_be_read_is_not_guessed():
    assert the_verdict(RULE, dataclasses.replace(window(), facts={RANGE: "many"})).recommendations
