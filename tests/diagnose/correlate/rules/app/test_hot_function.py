"""app.hot_function: one function, a service without CPU to spare, and somebody who waits."""

import dataclasses

import pytest

from diagnose.correlate.rule import Code
from diagnose.correlate.samples import Frame, Profile, Stack
from tests.diagnose.correlate.rules.verdicts import the_verdict, verdicts
from tests.diagnose.correlate.windows import recorded, synthetic, without

RULE = "app.hot_function"
SHOP = {"pid": "812", "service": "shop"}


def service(cores, shares, samples=400, *, serves=True):
    """A service that uses `cores`, its on-CPU samples spread over functions by `shares`."""
    stacks = [
        Stack(
            "MainThread",
            (Frame("main", "/srv/shop.py", 1), Frame(name, "/srv/shop.py", line)),
            round(share * samples),
        )
        for line, (name, share) in enumerate(shares.items(), start=10)
    ]
    readings = {"process_cpu_seconds_total": [(SHOP, [cores * 5.0] * 13)]}
    if serves:
        readings["listener_accept_queue_length"] = [({**SHOP, "listener": ":80"}, [0] * 13)]
    profile = Profile("shop", 812, "cpu", 50_000_000, 60.0, tuple(stacks))
    return synthetic(readings, step=5, profiles=[profile])


def test_a_recorded_hot_function_is_named_with_its_line_and_what_a_fix_is_worth():
    verdict = the_verdict(RULE, recorded("hot_function"))
    assert "price_basket (service.py:" in verdict.headline
    (recommendation,) = verdict.recommendations
    assert isinstance(recommendation.change, Code)
    assert "Amdahl" in recommendation.formula
    assert "twice as fast" in recommendation.expected


def test_a_busy_batch_job_that_nobody_waits_for_is_no_finding():
    assert verdicts(RULE, recorded("batch")) == []


def test_a_service_with_cpu_to_spare_is_no_finding():
    assert verdicts(RULE, recorded("healthy")) == []


def test_without_stacks_of_the_busy_service_it_is_unknown():
    assert verdicts(RULE, without(recorded("hot_function"), profiles=("cpu",))) is None


def test_without_stacks_of_an_idle_service_there_is_nothing_to_know():
    assert verdicts(RULE, without(recorded("quiet"), profiles=("cpu",))) == []


@pytest.mark.parametrize(
    ("cores", "share", "samples", "found"),
    [
        (0.95, 0.9, 400, True),
        (0.5, 0.9, 400, False),  # half a core is free
        (0.95, 0.45, 400, False),  # no one function dominates
        (0.95, 0.55, 80, False),  # it may, but 80 samples do not tell
        (0.95, 0.9, 30, False),  # too few samples for anything
    ],
)
def test_both_a_full_core_and_a_share_beyond_its_interval_are_needed(cores, share, samples, found):
    spread = {"price": share} | {f"other{n}": (1 - share) / 5 for n in range(5)}
    assert bool(verdicts(RULE, service(cores, spread, samples))) is found


def test_a_service_without_listener_is_not_judged():
    assert verdicts(RULE, service(0.95, {"price": 0.9, "pack": 0.1}, serves=False)) == []


def test_library_time_belongs_to_the_function_that_called_it():
    samples = service(0.95, {"render": 0.1, "other": 0.1})
    library = Frame("dumps", "/usr/lib/python3.11/json/__init__.py", 231)
    deep = Stack("MainThread", (Frame("render", "/srv/shop.py", 12), library), 320)
    profile = samples.profiles[0]
    samples = dataclasses.replace(
        samples, profiles=(dataclasses.replace(profile, stacks=(*profile.stacks, deep)),)
    )
    assert the_verdict(RULE, samples).headline.startswith(
        "shop (pid 812) spends 90 % of its CPU time in render"
    )


def test_a_service_that_computes_while_it_starts_is_no_finding():
    samples = service(1.0, {"load_catalogue": 0.95})
    cpu = samples.series["process_cpu_seconds_total"][0]
    young = dataclasses.replace(cpu, times_ns=cpu.times_ns[-5:], values=cpu.values[-5:])  # 20 s old
    series = {**samples.series, "process_cpu_seconds_total": (young,)}
    assert verdicts(RULE, samples) != []
    assert verdicts(RULE, dataclasses.replace(samples, series=series)) == []


def test_a_process_that_changed_its_name_is_judged_by_its_latest_readings():
    samples = service(0.95, {"price": 0.95})
    cpu = samples.series["process_cpu_seconds_total"][0]
    shell = dataclasses.replace(
        cpu, labels={"pid": "812", "service": "sh"}, times_ns=cpu.times_ns[:2], values=cpu.values[:2]
    )
    series = {**samples.series, "process_cpu_seconds_total": (cpu, shell)}
    assert the_verdict(RULE, dataclasses.replace(samples, series=series)).subject.service == "shop"
