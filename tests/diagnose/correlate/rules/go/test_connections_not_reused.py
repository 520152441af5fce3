"""go.connections_not_reused: CPU time that goes into opening connections."""

import pytest

from diagnose.correlate.samples import Frame
from tests.diagnose.correlate.rules.go import programs
from tests.diagnose.correlate.rules.verdicts import the_verdict, verdicts
from tests.diagnose.correlate.windows import recorded, without

RULE = "go.connections_not_reused"
DIALS = (Frame("net/http.(*Transport).dialConnFor", ""), Frame("net.(*sysDialer).dialTCP", ""))
CALLS = (Frame("main.call", "/srv/shop/main.go", 90), Frame("net/http.(*Client).Do", ""))
WORKS = (Frame("main.render", "/srv/shop/main.go", 7),)


def window(dialling=40, working=100, opened=100.0):
    """Samples, and connections a second."""
    stacks = programs.goroutines((DIALS, dialling), (CALLS, 10), (WORKS, working), kind="cpu")
    counters = {"process_cpu_seconds_total": 0.3, "netstat_Tcp_ActiveOpens": opened}
    return programs.window({}, counters, profiles=[stacks])


def test_a_program_that_dials_all_the_time_is_found_with_who_calls():
    verdict = the_verdict(RULE, window())
    assert "27 % of its CPU time on opening connections, for main.call (main.go:90)" in verdict.headline
    assert "MaxIdleConnsPerHost" in verdict.recommendations[0].change.what


@pytest.mark.parametrize("odd", [{"dialling": 2}, {"opened": 1.0}, {"dialling": 8, "working": 20}])
def test_dialling_now_and_then_and_few_samples_are_no_finding(odd):
    assert verdicts(RULE, window(**odd)) == []


def test_a_recorded_program_that_calls_nobody_is_no_finding():
    assert verdicts(RULE, recorded("goroutine-leak-fast")) == []


def test_without_stacks_it_is_unknown():
    assert verdicts(RULE, without(recorded("goroutine-leak-fast"), profiles=["cpu"])) is None
