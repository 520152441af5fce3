"""The tables of a day, for every engine to make in its own words.

Where engines cut tables into days, `time` is the column to cut by and `day_length` how much of it a day is; tables
without such a column are cut by a column that the engine adds and fills by itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from diagnose.store.rows import DAY_NS, HOUR_NS

# Goes up with every change: an engine refuses days that another version made.
VERSION = 5
Kind = Literal["profiles", "points", "captures", "rollup"]
Type = Literal["integer", "real", "text", "bytes"]


@dataclass(frozen=True, slots=True)
class Table:
    """`numbered` gives each row an `id`; a table that is not lies in the order of its `key`."""

    name: str
    columns: Mapping[str, Type]
    key: tuple[str, ...] = ()
    indexes: tuple[tuple[str, ...], ...] = ()
    numbered: bool = False
    time: str | None = None
    day_length: int = 0


_HOURS = DAY_NS // HOUR_NS
_GROUP: dict[str, Type] = {"service": "integer", "type": "text", "unit": "text", "host": "integer"}
_HISTOGRAM: dict[str, Type] = {
    "series": "integer",
    "hour": "integer",
    "scheme": "text",
    "host": "integer",
    "intervals": "bytes",
}
_HOUR_OF_GROUP = (*_GROUP, "hour")

_APPLIED = Table(
    "applied",
    {"host": "integer", "epoch": "text", "seq": "integer", "part": "text", "shift_ns": "integer"},
    key=("host", "epoch", "seq", "part"),
)
# A profile's key is its hour and everything but its exact time and counts; keys repeat, so a row needs only their
# number. With the hour in it, a query meets only those processes that lived in its range, however many there were.
_PROFILE_KEY = Table(
    "profile_key",
    {"hour": "integer", **_GROUP, "labels": "text", "capture": "text"},
    key=("hour", *_GROUP, "labels", "capture"),
    numbered=True,
    time="hour",
    day_length=_HOURS,
)
_PROFILE = Table(
    "profile",
    {
        "key": "integer",
        "start_ns": "integer",
        "duration_ms": "integer",
        "period_ns": "integer",
        "counts": "bytes",
    },
    indexes=(("key", "start_ns"),),
    numbered=True,
    time="start_ns",
    day_length=DAY_NS,
)
# When the samples of a profile were taken, of those that tell.
_SAMPLE_TIMES = Table(
    "sample_times",
    {
        "key": "integer",
        "start_ns": "integer",
        "duration_ms": "integer",
        "period_ns": "integer",
        "offsets": "bytes",
    },
    indexes=(("key", "start_ns"),),
    numbered=True,
    time="start_ns",
    day_length=DAY_NS,
)
PROFILES = (
    _APPLIED,
    _PROFILE_KEY,
    _PROFILE,
    _SAMPLE_TIMES,
    Table(
        "profile_hour",
        {**_GROUP, "hour": "integer", "changes": "integer"},
        key=_HOUR_OF_GROUP,
        time="hour",
        day_length=_HOURS,
    ),
)
POINTS = (
    _APPLIED,
    Table(
        "hot",
        {
            "host": "integer",
            "hour": "integer",
            "first_ms": "integer",
            "last_ms": "integer",
            "points": "bytes",
        },
        indexes=(("host", "hour"),),
        numbered=True,
        time="hour",
        day_length=_HOURS,
    ),
    Table(
        "chunk_times",
        {"host": "integer", "hour": "integer", "number": "integer", "times": "bytes"},
        key=("host", "hour", "number"),
        time="hour",
        day_length=_HOURS,
    ),
    Table(
        "chunk",
        {"series": "integer", "hour": "integer", "host": "integer", "times": "integer", "vals": "bytes"},
        key=("series", "hour"),
        time="hour",
        day_length=_HOURS,
    ),
    # How often an hour of a host was sealed, and which series have chunks and which histograms of it.
    Table(
        "sealed",
        {"host": "integer", "hour": "integer", "seals": "integer", "series": "bytes", "histograms": "bytes"},
        key=("host", "hour"),
        time="hour",
        day_length=_HOURS,
    ),
    Table(
        "hot_histogram",
        {"host": "integer", "hour": "integer", "scheme": "text", "intervals": "bytes"},
        indexes=(("host", "hour"),),
        numbered=True,
        time="hour",
        day_length=_HOURS,
    ),
    Table("histogram", _HISTOGRAM, key=("series", "hour", "scheme"), time="hour", day_length=_HOURS),
)
# What a person asked for outlives routine profiles; nothing is computed from it.
CAPTURES = (_APPLIED, _PROFILE_KEY, _PROFILE, _SAMPLE_TIMES)

# What a sum of profiles consists of; `changes` says up to which change of the raw data it holds.
_SUM: dict[str, Type] = {
    "changes": "integer",
    "profiles": "integer",
    "seconds": "real",
    "samples": "integer",
    "period_ns": "integer",
    "counts": "bytes",
}
# `host` 0 is the sum over all hosts, with no `labels`; a day's is over all labels and stands at the day's first hour.
ROLLUP = (
    Table(
        "profile_rollup",
        {**_GROUP, "hour": "integer", "labels": "text", **_SUM},
        key=(*_HOUR_OF_GROUP, "labels"),
        indexes=(("hour", "host", "service", "type", "unit", "changes", "profiles", "seconds"),),
        numbered=True,
        time="hour",
        day_length=_HOURS,
    ),
    Table(
        "profile_day",
        {**_GROUP, "hour": "integer", **_SUM},
        key=_HOUR_OF_GROUP,
        time="hour",
        day_length=_HOURS,
    ),
    # Points by the minute, histograms by the hour; `seals` says up to which sealing of the hour the rows hold.
    Table(
        "rolled_up",
        {"host": "integer", "hour": "integer", "seals": "integer", "series": "bytes", "histograms": "bytes"},
        key=("host", "hour"),
        time="hour",
        day_length=_HOURS,
    ),
    Table(
        "coverage",
        {"host": "integer", "hour": "integer", "number": "integer", "coverage": "bytes"},
        key=("host", "hour", "number"),
        time="hour",
        day_length=_HOURS,
    ),
    Table(
        "summary",
        {"series": "integer", "hour": "integer", "host": "integer", "coverage": "integer", "vals": "bytes"},
        key=("series", "hour"),
        time="hour",
        day_length=_HOURS,
    ),
    Table("histogram_sum", _HISTOGRAM, key=("series", "hour", "scheme"), time="hour", day_length=_HOURS),
)
TABLES: dict[Kind, tuple[Table, ...]] = {
    "profiles": PROFILES,
    "points": POINTS,
    "captures": CAPTURES,
    "rollup": ROLLUP,
}
