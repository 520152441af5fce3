"""Locust: `NAME_stats.csv`, or `NAME_stats_history.csv`, which tells each moment of a test that raises its load."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence

from diagnose.experiments.loadtests.result import LoadTest, Step, Unreadable

_SHARES = {
    "50%": 0.5,
    "66%": 0.66,
    "75%": 0.75,
    "80%": 0.8,
    "90%": 0.9,
    "95%": 0.95,
    "98%": 0.98,
    "99%": 0.99,
    "99.9%": 0.999,
}
_TOTAL = "Aggregated"
Row = Mapping[str, str]


def parse(text: str) -> LoadTest | None:
    head = text.lstrip("\ufeff").partition("\n")[0]
    if "Requests/s" not in head or "Failures/s" not in head:
        return None
    rows = [row for row in csv.DictReader(io.StringIO(text.lstrip("\ufeff"))) if row.get("Name") == _TOTAL]
    if not rows:
        raise Unreadable(f"the CSV of Locust has no row {_TOTAL!r}: give the whole file")
    return _history(rows) if "Timestamp" in head else _summary(rows[-1])


def _summary(row: Row) -> LoadTest:
    return LoadTest(
        "Locust",
        int(row["Request Count"]),
        int(row["Failure Count"]),
        float(row["Requests/s"]),
        _latency(row),
    )


def _history(rows: Sequence[Row]) -> LoadTest:
    """A row a second; the figures of the last are those of the whole test."""
    last = rows[-1]
    steps = [
        Step(float(row["Requests/s"]), latency, float(row["User Count"]), float(row["Failures/s"]))
        for row in rows
        if (latency := _latency(row))
    ]
    seconds = float(last["Timestamp"]) - float(rows[0]["Timestamp"])
    requests = int(last["Total Request Count"])
    return LoadTest(
        "Locust",
        requests,
        int(last["Total Failure Count"]),
        requests / seconds if seconds else float(last["Requests/s"]),
        _latency(last),
        seconds or None,
        tuple(steps),
    )


def _latency(row: Row) -> dict[float, float]:
    """Milliseconds in the file; N/A before the first answer."""
    return {share: float(row[name]) / 1000 for name, share in _SHARES.items() if _is_number(row.get(name))}


def _is_number(text: str | None) -> bool:
    return bool(text) and text.replace(".", "", 1).isdecimal()  # type: ignore[union-attr]
