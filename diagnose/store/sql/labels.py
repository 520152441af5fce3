"""Which sets of labels profiles carried on which hosts, from the keys of raw days and from rollups of older ones."""

from __future__ import annotations

from diagnose.store import days, labelsets
from diagnose.store.protocols import ProfileFilter
from diagnose.store.rows import HOUR_NS
from diagnose.store.schema import Kind

_RAW = (
    "SELECT DISTINCT host, labels FROM profile_key "
    "WHERE hour >= ? AND hour < ? AND service = ? AND type = ? AND capture = ?"
)
_SUMS = (
    "SELECT DISTINCT host, labels FROM profile_rollup "
    "WHERE hour >= ? AND hour < ? AND service = ? AND type = ? AND host != 0 AND labels != ''"
)


def label_sets(which: ProfileFilter, start_ns: int, end_ns: int) -> set[tuple[int, str]]:
    """By the hour: what was carried at any time of an hour that the span touches. Only sets with the wanted labels."""
    hours = start_ns // HOUR_NS, -(-end_ns // HOUR_NS)
    raw: Kind = "profiles" if which.capture_id is None else "captures"
    found: set[tuple[int, str]] = set()
    for day in days.days_between(start_ns, end_ns, raw, "rollup"):
        if days.holds(day, raw):
            values = (*hours, which.service_id, which.type, which.capture_id or "")
            with days.reading(day, raw) as sql:
                found.update((host, labels) for host, labels in sql.execute(_RAW, values).fetchall())
        elif which.capture_id is None:
            with days.reading(day, "rollup") as sql:
                rows = sql.execute(_SUMS, (*hours, which.service_id, which.type)).fetchall()
            found.update((host, labels) for host, labels in rows)
    return {(host, labels) for host, labels in found if labelsets.carries(labels, which.labels)}
