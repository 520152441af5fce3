"""cpu.steal: time that the hypervisor took; no machine of the tests has any, so those windows are made by hand."""

from tests.diagnose.correlate.rules.cpu.runners import service, window
from tests.diagnose.correlate.rules.verdicts import the_verdict, verdicts
from tests.diagnose.correlate.windows import recorded, without

RULE = "cpu.steal"


def test_stolen_time_is_found_as_a_share_of_what_was_wanted():
    verdict = the_verdict(RULE, window({"shop": service(41, 0.5)}, (0.5, 0.5), steal=0.2))
    assert "takes 40 % of the CPU time" in verdict.headline
    assert verdict.subject.everywhere


def test_a_little_of_it_is_no_finding():
    assert verdicts(RULE, window({"shop": service(41, 0.5)}, (0.2, 0.2), steal=0.01)) == []


def test_a_recorded_busy_host_without_steal_is_no_finding():
    assert verdicts(RULE, recorded("steady-work-usual")) == []


def test_without_times_of_cpus_it_is_unknown():
    assert verdicts(RULE, without(recorded("steady-work-usual"), "cpu_")) is None
