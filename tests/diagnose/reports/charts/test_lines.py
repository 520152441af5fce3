"""Readings of many hosts as one line."""

import numpy as np

from diagnose.reports.charts import lines
from diagnose.reports.charts.figure import Line, Window

SECOND = 10**9
WINDOW = Window(0, 200 * SECOND)


def line(values, offset=0, metric="service_run_seconds_total", **labels):
    times = (np.arange(len(values)) * 10 + offset) * SECOND
    return Line(metric, labels, times.astype(np.int64), np.array(values, np.float64))


def test_hosts_that_are_read_at_other_times_add_up():
    figure = lines.figure(lines.SERVICE["cpu"], [line([1] * 20), line([2] * 20, offset=3)], WINDOW)
    assert set(figure["data"][0]["y"]) == {3}


def test_ratios_are_averaged_and_drawn_as_percentages():
    found = [
        line([0.2] * 20, metric="python_gil_held_ratio"),
        line([0.6] * 20, metric="python_gil_held_ratio"),
    ]
    (drawn,) = lines.figure(lines.SERVICE["gil"], found, WINDOW)["data"]
    assert set(drawn["y"]) == {40}


def test_what_threads_wait_for_is_a_line_each_the_largest_first():
    found = [
        line([n] * 8, metric="service_threads_waiting", wait=wait) for n, wait in ((1, "sleep"), (5, "poll"))
    ]
    figure = lines.figure(lines.SERVICE["threads"], found, WINDOW)
    assert [one["name"] for one in figure["data"]] == ["poll", "sleep"]


def test_failures_lie_on_top_of_the_other_answers():
    by_class = {name: line([1, 2]) for name in ("5xx", "2xx", "weird")}
    assert [one["name"] for one in lines.rates(by_class, WINDOW)["data"]] == ["2xx", "5xx", "weird"]
    assert lines.rates({}, WINDOW) is None
