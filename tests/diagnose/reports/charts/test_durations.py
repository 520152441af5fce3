"""Durations over time as heat maps."""

import numpy as np

from diagnose.reports.charts import durations
from diagnose.reports.charts.durations import Durations
from diagnose.reports.charts.figure import Window

SECOND = 10**9
WINDOW = Window(0, 100 * SECOND)


def found(times, counts):
    counts = np.array(counts, np.int64)
    edges = np.array([0, 0.001, 0.002, 0.004][: counts.shape[1] + 1])
    middle = np.full(len(times), 0.0015)
    return Durations(np.array(times, np.int64) * SECOND, edges, counts, middle, middle)


def test_what_was_not_counted_is_empty_and_a_time_without_a_column_stays_so():
    heat = durations.figure(found([0, 50], [[1, 0], [2, 3]]), WINDOW, 10 * SECOND)["data"][0]
    assert heat["x"] == [0, 10_000, 50_000, 60_000]
    assert heat["z"] == [[1, None, 2], [None, None, 3]]


def test_the_first_bucket_has_a_place_on_a_logarithmic_axis():
    figure = durations.figure(found([0], [[4, 4]]), WINDOW, 10 * SECOND)
    assert figure["data"][0]["y"][0] == 0.0005
    assert figure["layout"]["yaxis"]["range"][0] == np.log10(0.0005)


def test_ticks_have_their_units():
    axis = durations.figure(found([0], [[4, 4]]), WINDOW, 10 * SECOND)["layout"]["yaxis"]
    assert axis["ticktext"] == ["500 µs", "1 ms", "2 ms"]


def test_each_row_of_a_spread_adds_up_to_everything():
    edges = np.array([0.001, 0.002, 0.004])
    heat = durations.spread(["22", "<b>"], edges, np.array([[1, 3], [5, 0]]))["data"][0]
    assert heat["z"] == [[25, 75], [100, None]]
    assert heat["y"] == ["22", "&lt;b&gt;"]


def test_nothing_counted_is_no_chart():
    assert durations.figure(found([], np.empty((0, 2))), WINDOW, SECOND) is None
