"""cpu.saturation: nobody finds an idle CPU, and somebody waits long for one."""

import pytest

from diagnose.correlate.change import UnitSetting
from tests.diagnose.correlate.rules.verdicts import the_verdict, verdicts
from tests.diagnose.correlate.windows import recorded, synthetic, without

RULE = "cpu.saturation"
SHOP = {"service": "shop.service"}


def window(idle=(0.0, 0.0), delay=12.0, slices=1000.0, waits=0.05, held=0.0, shop=0.3, report=1.6, others=0):
    """Ten-second passes of two CPUs. `shop` and `report` are cores that the two services use."""
    passes = 5
    cpus = [
        ({"cpu": str(at), "mode": mode}, [10 * share] * passes)
        for at, free in enumerate(idle)
        for mode, share in (("idle", free), ("user", 1 - free))
    ]
    return synthetic(
        {
            "cpu_seconds_total": cpus,
            "service_run_seconds_total": [(SHOP, [10 * shop] * passes)],
            "service_run_delay_seconds_total": [(SHOP, [delay] * passes)],
            "service_run_slices_total": [(SHOP, [slices] * passes)],
            "cgroup_cpu_throttled_seconds_total": [(SHOP | {"cgroup": "/shop"}, [held] * passes)],
            "pressure_cpu_waiting_seconds_total": [({}, [9.0] * passes)],
            "listener_accept_queue_length": [
                (SHOP | {"listener": "0.0.0.0:80", "pid": "812"}, [0.0] * passes)
            ],
            "process_cpu_seconds_total": [
                (SHOP | {"pid": "812"}, [10 * shop] * passes),
                ({"service": "report.service", "pid": "900"}, [10 * report] * passes),
                *(({"service": f"small-{at}", "pid": str(at)}, [3.0] * passes) for at in range(others)),
            ],
        },
        step=10.0,
        facts={"cpu.count": "2"},
        durations={"runqueue_wait_seconds": [(SHOP, [[0.0005] * 90 + [waits] * 10] * passes)]},
    )


def test_who_uses_the_cpus_and_who_waits_for_them_is_told():
    verdict = the_verdict(RULE, window())
    assert (verdict.subject.service, verdict.subject.pid) == ("report.service", 900)
    assert verdict.subject.everywhere
    assert "shop.service waits 12 ms" in verdict.headline
    changes = [each.change for each in verdict.recommendations]
    assert UnitSetting("report.service", "CPUWeight", "100", "20") in changes


def test_own_load_is_not_asked_to_step_back():
    verdict = the_verdict(RULE, window(shop=1.7, report=0.1, delay=40.0))
    assert verdict.subject.service == "shop.service"
    assert not any(isinstance(each.change, UnitSetting) for each in verdict.recommendations)


def test_without_timed_waits_it_is_told_with_less_confidence():
    lines = the_verdict(RULE, without(window(), "runqueue")).evidence
    assert any(line.kind == "missing" for line in lines)


@pytest.mark.parametrize(
    "samples",
    [
        window(delay=0.12, waits=0.0048),  # batch work of low weight beside it
        window(idle=(0.4, 0.4)),
        window(idle=(0.0, 0.3)),  # one CPU has time
        window(held=12.0),  # it is its own quota that holds it back
        window(delay=12.0, shop=5.0),  # it hardly waits for what it does
    ],
)
def test_busy_but_prompt_throttled_and_pinned_are_no_finding(samples):
    assert verdicts(RULE, samples) == []


def test_where_nobody_was_seen_to_use_the_cpus_or_many_use_a_little_it_is_unknown():
    assert verdicts(RULE, window(report=0.1)) is None
    assert verdicts(RULE, window(shop=0.45, report=0.45, others=4)) is None
    assert verdicts(RULE, without(window(), "service_run")) is None


@pytest.mark.parametrize(
    "name", ["syn-flood-cookies-on-strong", "time-wait-buckets-more", "quota-with-room-usual"]
)
def test_recorded_health_is_no_finding(name):
    assert not verdicts(RULE, recorded(name))


def test_recorded_waits_without_anybody_seen_to_cause_them_are_unknown():
    """The machine was busy with other things, whose processes are not in the recording."""
    assert verdicts(RULE, recorded("slow-itself-usual")) is None
