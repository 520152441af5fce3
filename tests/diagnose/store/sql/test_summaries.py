"""Charts of long ranges: from sums by the minute where they hold, from points where not, and nobody can tell which."""

from __future__ import annotations

import time

import numpy as np
import pytest

from diagnose.models import Host
from diagnose.store import backend, days, retention, rollup, series, serieskeys
from diagnose.store.rows import BatchKey, MetricBatch, PointColumns
from diagnose.store.sql import hours, sealing

SECOND = 10**9
HOUR = 3600 * SECOND
DAY = time.time_ns() // (24 * HOUR) * 24 * HOUR - 2 * 24 * HOUR
NAME = days.day_of(DAY)
AGGREGATES = ("max", "min", "sum", "avg", "rate")


def drawn(
    metric: str = "load", points: int = 12, span_ns: int = 24 * HOUR, **options
) -> dict[str, list[float]]:
    """The one line of a metric by each aggregate, from the whole day at two hours a point."""
    refs = series.find((), metric)
    lines = {how: series.range_(refs, DAY, DAY + span_ns, points, agg=how) for how in AGGREGATES}
    return {
        how: [round(value, 9) for value in found[0].values.tolist()] for how, found in lines.items() if found
    }


@pytest.fixture
def a_day(put_points) -> np.ndarray:
    """A reading every ten seconds for a day, with one spike up and one down."""
    values = np.random.default_rng(1).poisson(30, 8640).astype(float)
    values[[3333, 7777]] = 999.0, -5.0
    put_points("load", [DAY + n * 10 * SECOND for n in range(8640)], values.tolist())
    return values


def test_what_is_drawn_is_the_same_before_and_after_sealing_and_after_the_points_are_gone(a_day, settings):
    hot = drawn()
    by_two_hours = a_day.reshape(12, 720)
    assert hot["max"] == by_two_hours.max(axis=1).tolist()
    assert hot["min"] == by_two_hours.min(axis=1).tolist()
    assert hot["sum"] == by_two_hours.sum(axis=1).tolist()
    assert hot["rate"] == [round(value / 7200, 9) for value in by_two_hours.sum(axis=1).tolist()]
    rollup.roll_up()
    assert drawn() == hot
    settings.CONFIG = {**settings.CONFIG, "RETENTION_POINT_DAYS": 1}
    retention.retain()
    assert NAME not in days.stored_days("points")
    assert drawn() == hot
    assert len(drawn(points=5000)["max"]) == 1440  # asked for more than is left: minutes


def test_a_spike_survives_every_zoom_and_every_shift(a_day):
    rollup.roll_up()
    refs = series.find((), "load")
    for points in (2, 7, 100, 300, 1000, 1439):
        (line,) = series.range_(refs, DAY, DAY + 24 * HOUR, points, agg="max")
        assert line.values.max() == 999.0
        assert len(line.values) <= 1.5 * points + 1
    for shift in (1, 59, 1800, 3599, 5000):
        (line,) = series.range_(refs, DAY + shift * SECOND, DAY + 23 * HOUR + shift * SECOND, 100, agg="sum")
        inside = a_day[-(-shift // 10) : -(-(23 * 3600 + shift) // 10)]
        assert line.values.sum() == inside.sum()


def test_whole_hours_are_read_from_their_sums_and_no_point_is(a_day):
    rollup.roll_up()
    before = drawn()
    with days.writing(NAME, "points") as file:
        file.sql.execute("DELETE FROM chunk")
    assert drawn() == before


def test_late_points_are_seen_at_once_and_summed_up_by_the_next_sealing(a_day, put_points):
    rollup.roll_up()
    put_points("load", [DAY + 5 * HOUR + SECOND], [5000.0])
    late = drawn()
    assert max(late["max"]) == 5000.0
    rollup.roll_up()
    assert hours.stale(NAME, 10**9) == []
    with days.writing(NAME, "points") as file:
        file.sql.execute("DELETE FROM chunk")
    assert drawn() == late


def test_who_dies_between_sealing_and_summing_up_is_caught_up_with(a_day, monkeypatch):
    with monkeypatch.context() as killed:
        killed.setattr(sealing, "_sum_up", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            rollup.roll_up()
    sealed = drawn()
    assert len(hours.stale(NAME, 10**9)) == 24
    rollup.roll_up()
    assert hours.stale(NAME, 10**9) == []
    assert drawn() == sealed


def test_sums_that_were_made_before_the_last_sealing_are_not_used(a_day, put_points, monkeypatch):
    rollup.roll_up()
    put_points("load", [DAY + SECOND], [7000.0])
    monkeypatch.setattr(hours, "stale", lambda *_: [])
    rollup.roll_up()
    with days.reading(NAME, "points") as sql:
        assert sql.execute("SELECT count(*) FROM hot").fetchone() == (0,)
    assert max(drawn()["max"]) == 7000.0


@pytest.mark.parametrize("damage", ["UPDATE summary SET vals = ?", "UPDATE coverage SET coverage = ?"])
def test_a_corrupt_sum_costs_its_hour_and_no_more(a_day, damage):
    rollup.roll_up()
    with days.writing(NAME, "rollup") as file:
        file.sql.execute(f"{damage} WHERE hour = ?", (b"\x08\x00", DAY // HOUR))
    assert drawn(points=24)["sum"] == a_day.reshape(24, 360).sum(axis=1).tolist()[1:]


def test_a_corrupt_list_of_series_loses_no_point(a_day, put_points):
    rollup.roll_up()
    before = drawn()
    with days.writing(NAME, "points") as file:
        file.sql.execute("UPDATE sealed SET series = ?", (b"\x00\x01",))
    put_points("other", [DAY + SECOND], [1.0])
    rollup.roll_up()
    assert drawn() == before


def test_hosts_and_series_are_kept_apart(host, data_dir):
    hosts = [host, *(Host.objects.create(identity=f"{n:032x}", name=f"db-{n}") for n in range(3))]
    for place, each in enumerate(hosts):
        keys = [serieskeys.key_of("load", {"n": str(n)}) for n in range(5)]
        numbers = np.array(serieskeys.series_numbers(each, keys, [False] * 5), np.uint32)
        times = np.repeat(DAY + np.arange(720) * 10 * SECOND, 5)
        columns = PointColumns(np.tile(numbers, 720), times, np.tile(np.arange(5.0) + 10 * place, 720))
        backend.metric_store().append([MetricBatch(BatchKey(each.pk, "e", 1), columns)])
    sealing.seal_day(NAME, DAY + 24 * HOUR)
    lines = series.range_(series.find((), "load"), DAY, DAY + 24 * HOUR, agg="max")
    found = {(line.ref.host_id, line.ref.labels["n"]): set(line.values.tolist()) for line in lines}
    assert found == {
        (each.pk, str(n)): {n + 10.0 * place} for place, each in enumerate(hosts) for n in range(5)
    }


def test_the_running_hour_is_sealed_when_many_batches_wait_but_not_summed_up(put_points, host):
    now = DAY + 12 * HOUR + HOUR // 2
    for n in range(100):
        put_points("load", [now - n * SECOND], [float(n)])
    sealing.seal_day(NAME, now)
    with days.reading(NAME, "points") as sql:
        assert sql.execute("SELECT count(*) FROM hot").fetchone() == (0,)
    assert hours.stale(NAME, now // HOUR) == [(host.pk, now // HOUR)]
    (line,) = series.range_(series.find((), "load"), now - HOUR, now + SECOND, 2, agg="max")
    assert line.values.max() == 99.0
