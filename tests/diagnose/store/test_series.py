"""Points: stored hot, sealed by the hour, read back the same and down-sampled for charts."""

from __future__ import annotations

import time

from diagnose.models import Host
from diagnose.store import days, rollup, series

SECOND = 10**9
HOUR_NS = 3600 * SECOND
DAY = time.time_ns() // (24 * HOUR_NS) * 24 * HOUR_NS - 24 * HOUR_NS


def points_of(metric: str, start_ns: int, end_ns: int) -> list[tuple[int, float]]:
    found = series.read(series.find((), metric), start_ns, end_ns)
    return [
        (time, value) for times, values in found.values() for time, value in zip(times, values, strict=True)
    ]


def test_points_read_back_in_order_of_time_over_hours_and_midnight(put_points):
    times = [DAY + 24 * HOUR_NS - SECOND, DAY + 24 * HOUR_NS + SECOND, DAY + HOUR_NS, DAY]
    put_points("load1", times, [3.0, 4.0, 2.0, 1.0])
    assert points_of("load1", DAY, DAY + 48 * HOUR_NS) == list(zip(sorted(times), [1, 2, 3, 4], strict=True))
    assert points_of("load1", DAY + 1, DAY + HOUR_NS) == []
    assert [value for _, value in points_of("load1", DAY, DAY + 1)] == [1.0]
    assert len(days.stored_days("points")) == 2


def test_sealing_changes_no_point_and_late_points_join_their_hour(put_points):
    times = [DAY + n * 10 * SECOND for n in range(800)]
    values = [0.1 * n for n in range(800)]
    put_points("load1", times[::2], values[::2])
    put_points("load5", times, values)
    before = points_of("load5", DAY, DAY + 3 * HOUR_NS)
    rollup.roll_up()
    with days.reading(days.day_of(DAY), "points") as sql:
        assert sql.execute("SELECT count(*) FROM hot").fetchone() == (0,)
        assert sql.execute("SELECT count(*) FROM chunk").fetchone() == (6,)
    assert points_of("load5", DAY, DAY + 3 * HOUR_NS) == before
    put_points("load1", times[1::2], values[1::2])
    assert points_of("load1", DAY, DAY + 3 * HOUR_NS) == before
    rollup.roll_up()
    rollup.roll_up()
    assert points_of("load1", DAY, DAY + 3 * HOUR_NS) == before
    assert points_of("load5", DAY, DAY + 3 * HOUR_NS) == before


def test_a_series_that_has_no_point_in_an_hour_of_others_has_none(put_points):
    put_points("load5", [DAY], [1.0])
    put_points("load1", [DAY + HOUR_NS], [2.0])
    assert points_of("load5", DAY + HOUR_NS, DAY + 2 * HOUR_NS) == []
    assert points_of("load1", DAY, DAY + HOUR_NS) == []


def test_the_running_hour_stays_hot(put_points):
    now = time.time_ns()
    put_points("load1", [now], [1.0])
    rollup.roll_up()
    with days.reading(days.day_of(now), "points") as sql:
        assert sql.execute("SELECT count(*) FROM hot").fetchone() == (1,)


def test_a_corrupt_chunk_costs_its_hour_and_no_more(put_points):
    put_points("load1", [DAY, DAY + HOUR_NS], [1.0, 2.0])
    rollup.roll_up()
    with days.writing(days.day_of(DAY), "points") as day:
        day.sql.execute("UPDATE chunk SET vals = ? WHERE hour = ?", (b"\4\0", DAY // HOUR_NS))
    assert [value for _, value in points_of("load1", DAY, DAY + 2 * HOUR_NS)] == [2.0]


def test_find_asks_for_metric_host_and_all_labels(put_points, host):
    put_points("cpu", [DAY], [1.0], cpu="0", mode="user")
    put_points("cpu", [DAY], [1.0], cpu="1", mode="user")
    other = Host.objects.create(identity="f" * 32, name="web-2")
    assert len(series.find([host.pk], "cpu")) == 2
    assert [one.labels["cpu"] for one in series.find((), "cpu", {"cpu": "1", "mode": "user"})] == ["1"]
    assert series.find([other.pk], "cpu") == []
    assert series.find((), "cpu", {"mode": "idle"}) == []


def line_of(metric: str, start_ns: int, end_ns: int, **options) -> series.Line:
    return series.range_(series.find((), metric), start_ns, end_ns, **options)[0]


def test_few_points_are_given_as_they_are(put_points):
    put_points("load1", [DAY, DAY + 10 * SECOND], [1.0, 3.0])
    line = line_of("load1", DAY, DAY + HOUR_NS)
    assert line.times_ns.tolist() == [DAY, DAY + 10 * SECOND]
    assert line.values.tolist() == [1.0, 3.0]


def test_many_points_become_averages_extremes_or_sums(put_points):
    times = [DAY + n * SECOND for n in range(3600)]
    put_points("load1", times, [float(n % 60) for n in range(3600)])
    span = DAY, DAY + HOUR_NS
    assert set(line_of("load1", *span, points=60).values.tolist()) == {29.5}
    assert set(line_of("load1", *span, points=60, agg="max").values.tolist()) == {59.0}
    assert set(line_of("load1", *span, points=60, agg="min").values.tolist()) == {0.0}
    assert set(line_of("load1", *span, points=60, agg="sum").values.tolist()) == {1770.0}
    assert len(line_of("load1", *span, points=60).times_ns) == 60


def test_a_counter_is_a_rate_whatever_its_step_and_a_pause_does_not_thin_it(put_points):
    ticking = [DAY + n * 10 * SECOND for n in range(60)]
    resumed = [DAY + HOUR_NS + n * 10 * SECOND for n in range(60)]
    put_points("drops_total", ticking + resumed, [50.0] * 120, counter=True)
    raw = line_of("drops_total", DAY, DAY + 2 * HOUR_NS)
    assert raw.values.tolist() == [5.0] * 120
    few = line_of("drops_total", DAY, DAY + 2 * HOUR_NS, points=20)
    assert few.values.tolist() == [5.0] * len(few.values)
    assert len(few.values) <= 21


def test_the_first_increase_of_a_range_knows_the_reading_before_it(put_points):
    put_points("drops_total", [DAY - 10 * SECOND, DAY, DAY + 30 * SECOND], [1.0, 10.0, 30.0], counter=True)
    assert line_of("drops_total", DAY, DAY + 60 * SECOND).values.tolist() == [1.0, 1.0]
