"""The engine: what an evaluation costs, and how often it is right. `python -m bench.diagnosis`.

Method: the recorded window of a service under GIL contention, with as many more listeners and processes as give about
500 series of 120 readings each. A round is one evaluation, timed as CPU of this process; one to warm up does not count.
Being right is measured on the fault corpus: recorded runs judged again (rules were written with these at hand), and the
live runs of `make faults` where there are any in data/faults, counted apart. A share is of all runs, its n in the name.
Verification is tried on what `bench.recorded_load` recorded, where it has.
`beside` are netdata's alarms and pcp's pmie rules on the runs of `make faults-beside`: any alarm that names the cause
counts as right, wherever it stands among others.
"""

from __future__ import annotations

import dataclasses
import time

import numpy as np

from bench import _corpus, _results, _verification
from bench._results import Row, row
from diagnose.correlate import engine
from diagnose.correlate.samples import Samples, Series
from tests.diagnose.correlate.windows import recorded

ROUNDS, MORE = 50, 115
_METRICS = {
    "listener_accept_queue_length": 5.0,
    "listener_accept_queue_limit": 900.0,
    "process_open_fds": 5.0,
    "process_max_fds": 900.0,
}


def main() -> None:
    samples = busy_host()
    engine.evaluate(samples)
    _results.write("diagnosis", [evaluation(samples), *_corpus.rows(), *_verification.rows()])


def busy_host() -> Samples:
    samples = recorded("gil_contention")
    times = samples.end_ns - np.arange(120, dtype=np.int64)[::-1] * 10**9
    series = dict(samples.series)
    for metric, value in _METRICS.items():
        more = (
            Series(
                metric, {"pid": str(n), "service": f"s{n}", "listener": f":{n}"}, times, np.full(120, value)
            )
            for n in range(100_000, 100_000 + MORE)
        )
        series[metric] = (*series.get(metric, ()), *more)
    return dataclasses.replace(samples, series=series)


def evaluation(samples: Samples) -> Row:
    spent = []
    for _ in range(ROUNDS):
        fresh = dataclasses.replace(samples)  # without what the round before grouped
        began = time.process_time()
        engine.evaluate(fresh)
        spent.append((time.process_time() - began) * 1000)
    count = sum(map(len, samples.series.values()))
    return row(f"evaluation_of_{round(count, -1)}_series_cpu", spent, "ms", "lower", 10)


if __name__ == "__main__":
    main()
