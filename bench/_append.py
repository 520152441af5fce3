"""How fast the store takes profiles and points in one process, and what they weigh on disk."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench import _stored
from bench._columnar import Columnar
from bench._results import ROUNDS, Row, row
from bench._row_per_stack import RowPerStack
from bench._stored import DAY, HOUR, SECOND, SERIES, SERVICES, Fleet, Push, rate

# A worker that has much waiting takes about this many batches into one transaction.
GROUP = 16
_PEER_PUSHES, _PEER_READINGS, _HOURS = 160, 60, 24
DAY_OF_PROFILES = _stored.TODAY - 2 * DAY
DAY_OF_POINTS = _stored.TODAY - 3 * DAY
_Reading = tuple[int, int, NDArray[np.float64]]  # number, time in ns, a value for each series


def profiles(folder: Path, fleet: Fleet) -> Iterator[Row]:
    """An hour of 50 hosts in rounds, half of each in groups and half one by one; then its bytes, rolled up."""
    from diagnose.store import rollup

    rows, columns = RowPerStack(folder / "rows.sqlite3"), Columnar(folder / "columns.duckdb")
    grouped, single, by_row, by_column = [], [], [], []
    for part in np.array_split(np.arange(360), ROUNDS + 1):
        pushes = [push for tick in part.tolist() for push in _pushes(fleet, tick)]
        half = len(pushes) // 2
        grouped.append(rate(_put, fleet, pushes[:half], GROUP))
        single.append(rate(_put, fleet, pushes[half:], 1))
        by_row.append(rate(_into, rows, pushes[:_PEER_PUSHES]))
        by_column.append(rate(_into, columns, pushes[:_PEER_PUSHES]))
    beside = {"sqlite_row_per_stack": by_row[1:], "duckdb": by_column[1:]}
    yield row("append_profiles", grouped[1:], "profiles/s", "higher", 20_000, beside)
    yield row("append_profiles_one_batch_a_transaction", single[1:], "profiles/s", "higher", None)
    rollup.roll_up()
    kept = (ROUNDS + 1) * _PEER_PUSHES * SERVICES
    weights = {"sqlite_row_per_stack": [rows.size_bytes() / kept], "duckdb": [columns.size_bytes() / kept]}
    weight = _stored.telemetry_bytes() / (360 * len(fleet.hosts) * SERVICES)
    yield row("bytes_per_profile_with_rollups", [weight], "bytes", "lower", 620, weights)


def _pushes(fleet: Fleet, tick: int) -> list[Push]:
    """One push of every host, ten seconds after the one before."""
    pool = _stored.pool(1)
    return [
        Push(
            host.pk,
            tick + 1,
            DAY_OF_PROFILES + tick * 10 * SECOND,
            [pool[(tick * 50 + at * SERVICES + n) * 7 % len(pool)] for n in range(SERVICES)],
            {"pid": str(800 + at)},
        )
        for at, host in enumerate(fleet.hosts)
    ]


def _put(fleet: Fleet, pushes: Sequence[Push], group: int) -> int:
    parts = (pushes[at : at + group] for at in range(0, len(pushes), group))
    return sum(_stored.put("bench", fleet.services, part) for part in parts)


def _into(peer: RowPerStack | Columnar, pushes: Sequence[Push]) -> int:
    for push in pushes:
        peer.append(push.host_id, push.start_ns, push.profiles)
    return len(pushes) * SERVICES


def points(folder: Path, fleet: Fleet) -> Iterator[Row]:
    """A day of 400 series every ten seconds, a batch a reading; then its bytes, sealed and rolled up."""
    from diagnose.store import backend, serieskeys

    host = fleet.hosts[0]
    keys = [serieskeys.key_of(f"metric_{n % 40}", {"cpu": str(n // 40)}) for n in range(SERIES)]
    series = serieskeys.series_numbers(host, keys, [True] * SERIES)
    rows, columns = RowPerStack(folder / "points.sqlite3"), Columnar(folder / "points.duckdb")
    rates, sealing, by_row, by_column = [], [], [], []
    before, sums_before = _stored.telemetry_bytes("points"), _stored.telemetry_bytes("rollup")
    for readings in _readings():
        rates.append(rate(_put_points, host.pk, series, readings))
        # As beat does every minute: what was sealed makes room for what comes next.
        sealing.append(rate(_sealed, readings[-1][1] + HOUR))
        part = readings[:_PEER_READINGS]
        by_row.append(rate(_points_by_row, rows, _as_rows(series, part)))
        by_column.append(rate(_points_by_column, columns, series, part))
    beside = {"sqlite_row_per_point": by_row[1:], "duckdb": by_column[1:]}
    yield row("append_points", rates[1:], "points/s", "higher", 2_000_000, beside)
    yield row("seal_points", [each * SERIES for each in sealing[1:]], "points/s", "higher", None)
    backend.metric_store().seal(_stored.TODAY)
    kept = _HOURS * _PEER_READINGS * SERIES
    weights = {"sqlite_row_per_point": [rows.size_bytes() / kept], "duckdb": [columns.size_bytes() / kept]}
    weight = _stored.telemetry_bytes("points") - before
    sums = _stored.telemetry_bytes("rollup") - sums_before
    yield row("bytes_per_point", [weight / (8640 * SERIES)], "bytes", "lower", 1.5, weights)
    yield row("bytes_per_point_with_rollups", [(weight + sums) / (8640 * SERIES)], "bytes", "lower", None)
    yield row("mb_per_host_day_of_400_series_with_rollups", [(weight + sums) / 1e6], "MB", "lower", 6)


def _readings() -> Iterator[list[_Reading]]:
    """Counters of a host: many that stand still, some busy."""
    chance = np.random.default_rng(3)
    level = chance.gamma(1.0, 50, SERIES)
    for part in np.array_split(np.arange(8640), _HOURS):
        times = DAY_OF_POINTS + part * 10 * SECOND + chance.integers(0, 20_000_000, len(part))
        values = [np.where(level < 5, np.rint(level), chance.poisson(level)).astype(float) for _ in part]
        yield list(zip(part.tolist(), times.tolist(), values, strict=True))


def _put_points(host_id: int, series: Sequence[int], readings: Sequence[_Reading]) -> int:
    for number, time_ns, values in readings:
        _stored.put_points(host_id, number + 1, series, [time_ns], values)
    return len(readings) * len(series)


def _sealed(until_ns: int) -> int:
    """What came before the hour that begins here; as many readings as an hour has."""
    from diagnose.store import backend

    backend.metric_store().seal(until_ns)
    return 8640 // _HOURS


_Rows = list[list[tuple[int, int, float]]]


def _as_rows(series: Sequence[int], readings: Sequence[_Reading]) -> _Rows:
    return [
        [(number, time // 10**6, value) for number, value in zip(series, values.tolist(), strict=True)]
        for _, time, values in readings
    ]


def _points_by_row(peer: RowPerStack, readings: _Rows) -> int:
    for reading in readings:
        peer.append_points(reading)
    return sum(map(len, readings))


def _points_by_column(peer: Columnar, series: Sequence[int], readings: Sequence[_Reading]) -> int:
    for _, time, values in readings:
        peer.append_points(series, time // 10**6, values)
    return len(readings) * len(series)
