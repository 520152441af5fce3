"""go.gc_pressure: what collections take of the CPU time that the program used."""

import pytest

from diagnose.correlate.rule import Variable
from diagnose.correlate.samples import Frame
from tests.diagnose.correlate.rules.go import programs
from tests.diagnose.correlate.rules.verdicts import the_verdict, verdicts
from tests.diagnose.correlate.windows import recorded, without

RULE = "go.gc_pressure"
MIB = 1024.0**2


def window(ratio=0.1, cycles=50.0, cores=2.0, facts=None, durations=None):
    """`ratio` is of eight processors: 0.1 are 0.8 cores."""
    steps = programs.STEPS
    gauges = {
        "go_gc_cpu_ratio": [ratio] * steps,
        "go_gomaxprocs": [8.0] * steps,
        "go_heap_bytes": [3 * MIB] * steps,
        "go_heap_goal_bytes": [4 * MIB] * steps,
    }
    counters = {"go_gc_cycles_total": cycles, "process_cpu_seconds_total": cores}
    return programs.window(gauges, counters, facts, durations=durations)


def test_a_large_share_of_what_it_uses_is_found_with_a_gogc_computed_from_it():
    facts = {"service.shop.runtime": "go", "service.shop.env.GOGC": "20"}
    verdict = the_verdict(RULE, window(facts=facts))
    assert "40 % of its CPU time on 50 garbage collections a second" in verdict.headline
    # 0.4/0.6 against 0.05/0.95: 12.7 times of 20
    assert verdict.recommendations[0].change == Variable("shop", "GOGC", "20", "250")


@pytest.mark.parametrize(
    "odd", [{"ratio": 0.02}, {"cycles": 0.1}, {"cores": 0.1, "ratio": 0.01}], ids=["little", "seldom", "idle"]
)
def test_few_collections_and_small_shares_are_no_finding(odd):
    assert verdicts(RULE, window(**odd)) == []


def test_stacks_tell_it_of_a_program_that_tells_nothing_and_name_who_allocates():
    worker = (Frame("runtime.gcBgMarkWorker", ""), Frame("runtime.gcDrain", ""))
    allocates = (Frame("main.render", "/srv/shop/main.go", 7), Frame("runtime.mallocgc", ""))
    stacks = programs.goroutines((worker, 300), (allocates, 200), kind="cpu")
    samples = programs.window({}, {"process_cpu_seconds_total": 1.0}, profiles=[stacks])
    verdict = the_verdict(RULE, samples)
    assert "56 % of its CPU time" in verdict.headline
    assert "main.render" in verdict.recommendations[-1].change.where
    quiet = programs.goroutines((worker, 30), (allocates, 400), kind="cpu")
    few = programs.goroutines((worker, 30), kind="cpu")
    for profile in (quiet, few):
        healthy = programs.window({}, {"process_cpu_seconds_total": 1.0}, profiles=[profile])
        assert verdicts(RULE, healthy) == []


def test_pauses_are_laid_beside_the_wait_of_connections_at_the_same_times():
    """Every other stretch with pauses of 20 ms, and connections that wait for them."""
    shop = {"service": "shop"}
    durations = {
        "go_stop_the_world_seconds": [(shop, [[0.02] * 20, [0.0001]] * 5)],
        "accept_wait_seconds": [(shop, [[0.03] * 10, [0.001] * 10] * 5)],
        "go_http_request_seconds": [(shop, [[0.05] * 10, [0.01] * 100] * 5)],
    }
    texts = [each.text for each in the_verdict(RULE, window(durations=durations)).evidence]
    assert any("let nothing run" in text and "at a time" in text for text in texts)
    assert any("to be accepted (p95)" in text for text in texts)
    assert any("90 % fewer requests" in text for text in texts)


def test_a_recorded_program_that_hardly_collects_is_no_finding():
    assert verdicts(RULE, recorded("go-mutex-5ms")) == []


def test_without_what_the_runtime_tells_it_is_unknown():
    assert verdicts(RULE, without(recorded("go-mutex-5ms"), "go_", profiles=["cpu"])) is None
