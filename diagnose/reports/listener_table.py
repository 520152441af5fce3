"""The listeners of a host at one time: how full each accept queue is, and was at most in the range."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from diagnose.reports import latest
from diagnose.reports.readings import Readings
from diagnose.store import series
from diagnose.store.series import SeriesRef
from diagnose.store.summaries import Aggregate

_LENGTH, _LIMIT, _DROPS = (
    "listener_accept_queue_length",
    "listener_accept_queue_limit",
    "listener_drops_total",
)
METRICS = (_LENGTH, _LIMIT, _DROPS)
Key = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class ListenerRow:
    """A queue holds one more than its limit: it is full above it. `dropped` counts connections in the range."""

    listener: str
    service: str
    pid: str
    netns: str
    length: float | None
    longest: float | None
    limit: float | None
    dropped: float | None

    @property
    def fullness(self) -> float:
        """The longest queue in the range against its limit."""
        return self.longest / self.limit if self.longest is not None and self.limit else 0.0


def listener_rows(readings: Readings, start_ns: int, end_ns: int) -> list[ListenerRow]:
    """Fullest first. `readings` have METRICS of one host."""
    now = latest.of_readings(readings, (_LENGTH, _LIMIT), end_ns)
    lengths = {_key(each.ref.labels): each.value for each in now[_LENGTH]}
    limits = {_key(each.ref.labels): each for each in now[_LIMIT]}
    longest, dropped = _over_range(readings, start_ns, end_ns)
    rows = [
        ListenerRow(
            listener=key[0],
            service=limit.ref.labels.get("service", ""),
            pid=key[1],
            netns=key[2],
            length=lengths.get(key),
            longest=longest.get(key),
            limit=limit.value,
            dropped=dropped.get(key),
        )
        for key, limit in limits.items()
    ]
    return sorted(rows, key=lambda row: (-row.fullness, row.listener))


def _key(labels: Mapping[str, str]) -> Key:
    return labels.get("listener", ""), labels.get("pid", ""), labels.get("netns", "")


def _over_range(readings: Readings, start_ns: int, end_ns: int) -> tuple[dict[Key, float], dict[Key, float]]:
    """The longest queue and all drops in the range."""
    wanted: dict[Aggregate, list[SeriesRef]] = {"max": readings.of(_LENGTH), "sum": readings.of(_DROPS)}
    keys = {ref.id: _key(ref.labels) for refs in wanted.values() for ref in refs}
    found = series.ranges(wanted, start_ns, end_ns, 1)
    longest = {keys[number]: float(values.max()) for number, (_times, values) in found["max"].items()}
    dropped = {keys[number]: float(values.sum()) for number, (_times, values) in found["sum"].items()}
    return longest, dropped
