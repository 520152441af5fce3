"""What all charts share."""

import json

import numpy as np

from diagnose.reports.charts.figure import (
    Band,
    layout,
    points,
    summed,
    text,
    threshold,
    trace,
    with_bands,
)
from tests.diagnose.reports.charts.lines import START_NS, WINDOW, checked, line

SECOND = 10**9


def test_a_hole_in_the_readings_is_not_bridged():
    whole = line("m", [1, 1, 1, 1, 1, 1])
    broken = type(whole)("m", {}, np.delete(whole.times_ns, [2, 3, 4]), np.delete(whole.values, [2, 3, 4]))
    times, values = points(broken)
    assert values == [1, 1, 1]  # three readings are too few to know their usual distance is broken
    long = line("m", [1] * 30)
    times, values = points(type(long)("m", {}, np.delete(long.times_ns, range(10, 16)), np.ones(24)))
    assert values.count(None) == 1
    assert times == sorted(times)
    assert values[10] is None


def test_what_is_no_number_is_no_reading():
    _, values = points(line("m", [1.0, float("nan"), float("inf")]))
    assert values == [1.0, None, None]
    json.dumps(values, allow_nan=False)


def test_lines_add_up_where_they_have_the_same_times():
    total = summed([line("m", [1, 2, 3]), line("m", [10, 20])])
    assert total.values.tolist() == [11, 22, 3]


def test_names_cannot_carry_markup_into_the_chart():
    assert text('<a href="javascript:x">&') == '&lt;a href="javascript:x"&gt;&amp;'
    assert len(text("x" * 500)) == 48


def test_bands_stay_inside_the_window_and_others_are_left_out():
    plain = {"data": [trace(line("m", [1, 2]), "m", "series-1")], "layout": layout(WINDOW)}
    bands = [
        Band(WINDOW.start_ns - 60 * SECOND, WINDOW.start_ns + 60 * SECOND, "1"),
        Band(WINDOW.end_ns + SECOND, WINDOW.end_ns + 2 * SECOND, "later"),
        Band(START_NS - 9 * SECOND, START_NS - 8 * SECOND, "before"),
    ]
    shapes = with_bands(plain, bands, WINDOW)["layout"]["shapes"]
    assert [shape["label"]["text"] for shape in shapes] == ["1"]
    assert shapes[0]["x0"] == WINDOW.start_ns // 10**6
    assert shapes[0]["x1"] - shapes[0]["x0"] == 60_000
    assert plain["layout"]["shapes"] == []


def test_plotly_knows_every_property_that_is_used():
    shapes = [threshold(3, "limit")]
    drawn = {
        "data": [trace(line("m", [1, 2]), "m", "series-1")],
        "layout": layout(WINDOW, unit="B", shapes=shapes),
    }
    assert len(checked(with_bands(drawn, [Band(START_NS, START_NS + SECOND)], WINDOW)).layout.shapes) == 2
