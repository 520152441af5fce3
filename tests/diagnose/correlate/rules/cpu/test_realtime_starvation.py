"""cpu.realtime_starvation: real-time tasks that compute, and ordinary ones that wait."""

import pytest

from diagnose.correlate.rule import Sysctl
from tests.diagnose.correlate.rules.cpu.runners import service, window
from tests.diagnose.correlate.rules.verdicts import the_verdict, verdicts
from tests.diagnose.correlate.windows import recorded, without

RULE = "cpu.realtime_starvation"
SHOP = service(41, 0.1, waiting=0.4, a_wait=0.05, listens=True)
CONTROL = service(42, 0.95, realtime=1)


def test_a_task_that_computes_under_a_real_time_policy_is_named():
    verdict = the_verdict(RULE, window({"shop": SHOP, "control": CONTROL}, (0.0, 0.5)))
    assert verdict.headline.startswith("control (pid 42) runs with real-time priority")
    assert verdict.subject.pid == 42
    assert verdict.subject.everywhere
    assert not any(isinstance(each.change, Sysctl) for each in verdict.recommendations)


def test_where_the_kernels_limit_is_off_it_is_put_back_in_force():
    facts = {"sysctl.kernel.sched_rt_runtime_us": "-1"}
    verdict = the_verdict(RULE, window({"shop": SHOP, "control": CONTROL}, facts=facts))
    assert Sysctl("kernel.sched_rt_runtime_us", -1, 950_000) in [
        each.change for each in verdict.recommendations
    ]


@pytest.mark.parametrize(
    "services",
    [
        {"shop": SHOP, "audio": service(42, 0.05, realtime=2)},
        {"shop": SHOP, "build": service(42, 0.95)},
        {"shop": service(41, 0.1, waiting=0.01, a_wait=5e-5), "control": CONTROL},
    ],
    ids=["it sleeps", "an ordinary task", "nobody waits"],
)
def test_what_harms_nobody_or_is_ordinary_is_no_finding(services):
    assert verdicts(RULE, window(services)) == []


def test_recorded_work_without_real_time_tasks_is_no_finding():
    assert verdicts(RULE, recorded("steady-work-usual")) == []


def test_without_time_in_the_queue_it_is_unknown():
    assert verdicts(RULE, without(recorded("steady-work-usual"), "service_run_delay")) is None
