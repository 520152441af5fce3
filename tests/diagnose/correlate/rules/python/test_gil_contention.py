"""python.gil_contention: threads that wait for the lock, told from one thread that keeps it."""

import pytest

from diagnose.correlate.rule import Code, Workers
from diagnose.correlate.samples import Profile
from tests.diagnose.correlate.rules.verdicts import the_verdict, verdicts
from tests.diagnose.correlate.windows import recorded, synthetic, without

RULE = "python.gil_contention"
SHOP = {"pid": "812", "service": "shop"}


def test_recorded_contention_names_the_function_that_holds_the_lock():
    verdict = the_verdict(RULE, recorded("gil_contention"))
    assert "price_basket (service.py:" in verdict.headline
    code, workers, _ = verdict.recommendations
    assert isinstance(code.change, Code)
    assert "price_basket (/srv/shop/service.py" in code.change.where
    assert isinstance(workers.change, Workers)
    assert workers.change.proposed == 2  # the host has two CPUs
    assert verdict.impact.share > 0.2


def test_one_thread_that_computes_alone_makes_nobody_wait():
    assert verdicts(RULE, recorded("hot_function")) == []


def test_requests_one_after_the_other_are_not_contention():
    assert verdicts(RULE, recorded("one_client")) == []


def test_a_crowd_on_a_lock_of_the_program_is_not_this():
    assert verdicts(RULE, recorded("lock_convoy")) == []


def test_threads_that_wait_for_a_cpu_do_not_wait_for_the_lock():
    assert verdicts(RULE, recorded("host_short_of_cpu")) == []


def synthetic_lock(held, awake, cores):
    return synthetic(
        {
            "python_gil_held_ratio": [(SHOP, [held] * 13)],
            "python_active_threads": [(SHOP, [awake] * 13)],
            "process_cpu_seconds_total": [(SHOP, [cores * 5.0] * 13)],
        },
        step=5,
    )


@pytest.mark.parametrize(
    ("held", "awake", "cores", "found"),
    [
        (0.58, 5.7, 0.52, True),  # measured: eight customers of the sample shop, load 6 for each CPU
        (0.42, 2.9, 0.39, False),  # measured: the same, while its customers waited for delayed ACKs
        (0.33, 0.7, 0.4, False),
        (0.95, 1.0, 0.95, False),  # one thread alone
        (0.9, 4.0, 3.5, False),  # three of them run native code without the lock
        (0.9, 2.0, 0.95, True),
    ],
)
def test_the_lock_must_be_taken_and_others_awake(held, awake, cores, found):
    assert bool(verdicts(RULE, synthetic_lock(held, awake, cores))) is found


def test_without_samples_of_the_lock_it_is_unknown():
    assert verdicts(RULE, without(recorded("gil_contention"), "python_gil")) is None


def test_without_wall_samples_the_awake_threads_decide():
    samples = without(recorded("gil_contention"), profiles=("wall",))
    verdict = the_verdict(RULE, samples)
    assert any(line.metric == "python_active_threads" for line in verdict.evidence)


def test_a_lock_held_alone_without_any_second_reading_is_no_finding():
    samples = synthetic({"python_gil_held_ratio": [(SHOP, [0.97] * 8)]}, step=15)
    assert verdicts(RULE, samples) == []


def test_a_process_that_was_not_sampled_lately_is_not_judged():
    samples = synthetic(
        {
            "python_gil_held_ratio": [(SHOP, [0.97])],
            "python_active_threads": [(SHOP, [3.0])],
            "process_cpu_seconds_total": [(SHOP, [5.0] * 24)],
        },
        step=5,
    )
    gone = without(samples)
    early = gone.series["python_gil_held_ratio"][0]
    early.times_ns[:] = samples.start_ns
    assert verdicts(RULE, gone) is None


def few_looks(held, awake, captures, ticks):
    """A process that was looked at so many times for its lock, in so many captures."""
    readings = {
        "python_gil_held_ratio": [(SHOP, [held] * captures)],
        "python_active_threads": [(SHOP, [awake] * captures)],
    }
    profiles = [Profile("shop", 812, kind, 10**9, float(ticks), ()) for kind in ("gil", "cpu")]
    return synthetic(readings, step=10, profiles=profiles)


@pytest.mark.parametrize(
    ("held", "ticks", "found"),
    [
        (0.71, 28, False),  # 95 % interval 52–85 %
        (0.71, 400, False),  # 66–75 %
        (0.76, 400, True),  # 72–80 %
        (0.96, 28, True),  # 82–99 %
    ],
)
def test_few_samples_of_the_lock_prove_little(held, ticks, found):
    assert bool(verdicts(RULE, few_looks(held, 1.9, 4, ticks))) is found


def test_few_samples_of_who_is_awake_prove_little():
    assert verdicts(RULE, few_looks(0.97, 1.55, 3, 24)) == []
    assert len(verdicts(RULE, few_looks(0.97, 1.55, 3, 400))) == 1


def test_one_capture_of_a_process_that_just_started_is_not_enough():
    assert verdicts(RULE, few_looks(1.0, 5.0, 1, 80)) is None


def test_the_evidence_says_how_many_samples_and_the_low_end_of_the_interval():
    line = the_verdict(RULE, few_looks(0.96, 3.0, 4, 28)).evidence[0]
    assert "96 % of 28 samples, in at least 82 %" in line.text


def test_workers_of_one_service_have_a_verdict_each():
    workers = [{"pid": str(pid), "service": "shop"} for pid in (10, 11, 12)]
    samples = synthetic(
        {
            "python_gil_held_ratio": [(labels, [0.95] * 8) for labels in workers],
            "python_active_threads": [(labels, [2.0 + n] * 8) for n, labels in enumerate(workers)],
        },
        step=10,
    )
    assert [each.subject.pid for each in verdicts(RULE, samples)] == [10, 11, 12]
