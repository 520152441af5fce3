"""One probe at a time, whatever it does."""

from __future__ import annotations

import queue
import threading
import time
from pathlib import Path

import pytest

from collectors.probe import Host, NoData
from collectors.runner import Runner
from collectors.schedule import Result
from collectors.wire import Points

HOST = Host(Path("/proc"), Path("/sys"), 1)


class Probe:
    NAME, METRICS, COST, INTERVAL_SECONDS = "probe", (), "cheap", 1.0

    def __init__(self, body):
        self.body = body

    def collect(self, host):
        yield Points("first", {}, [host.now_ns], [1.0])
        yield from self.body() or ()


@pytest.fixture
def results():
    return queue.SimpleQueue()


@pytest.fixture
def emitted():
    return []


@pytest.fixture
def runner(results, emitted):
    return Runner(lambda name, sample: emitted.append((name, sample.metric)), results.put)


def raising(error):
    def body():
        raise error

    return body


def test_samples_and_cpu_time_of_a_good_run(runner, results, emitted):
    def burn():
        end = time.thread_time() + 0.05
        while time.thread_time() < end:
            pass

    runner.start(Probe(burn), HOST)
    outcome = results.get(timeout=5)
    assert outcome.result is Result.OK
    assert 0.05 <= outcome.cpu_seconds < 0.5
    assert emitted == [("probe", "first")]


def test_waiting_is_not_counted_as_cpu_time(runner, results):
    runner.start(Probe(lambda: time.sleep(0.1)), HOST)
    assert results.get(timeout=5).cpu_seconds < 0.05


def test_an_exception_is_an_outcome_and_what_was_yielded_before_is_kept(runner, results, emitted):
    runner.start(Probe(raising(ValueError("bad column"))), HOST)
    outcome = results.get(timeout=5)
    assert (outcome.result, outcome.reason) == (Result.FAILED, "ValueError: bad column")
    assert emitted == [("probe", "first")]


def test_no_data_is_told_from_a_failure(runner, results):
    runner.start(Probe(raising(NoData("no /proc/pressure: kernel without PSI"))), HOST)
    outcome = results.get(timeout=5)
    assert (outcome.result, outcome.reason) == (Result.NO_DATA, "no /proc/pressure: kernel without PSI")


def test_a_hanging_probe_is_left_behind_and_the_next_one_runs(runner, results, emitted):
    released = threading.Event()

    def hang():
        released.wait(10)
        yield Points("stale", {}, [1], [1.0])

    runner.start(Probe(hang), HOST)
    with pytest.raises(queue.Empty):
        results.get(timeout=0.2)
    runner.abandon()
    runner.start(Probe(lambda: None), HOST)
    assert results.get(timeout=5).result is Result.OK
    released.set()
    assert results.get(timeout=5).probe == "probe"
    assert ("probe", "stale") not in emitted


def test_the_worker_left_behind_ends_when_its_probe_comes_back(runner, results):
    released, others = threading.Event(), set(threading.enumerate())
    runner.start(Probe(lambda: released.wait(10) and None), HOST)
    workers = set(threading.enumerate()) - others
    assert len(workers) == 1
    runner.abandon()
    released.set()
    for worker in workers:
        worker.join(5)
        assert not worker.is_alive()
