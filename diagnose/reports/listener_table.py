"""The listeners of a host at one time: how full each accept queue is, and was at most in the range."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from diagnose.reports import latest
from diagnose.store import series

_LENGTH, _LIMIT, _DROPS = (
    "listener_accept_queue_length",
    "listener_accept_queue_limit",
    "listener_drops_total",
)
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


def listener_rows(host_id: int, start_ns: int, end_ns: int) -> list[ListenerRow]:
    """Fullest first."""
    now = latest.of_metrics([host_id], (_LENGTH, _LIMIT), end_ns)
    lengths = {_key(each.ref.labels): each.value for each in now[_LENGTH]}
    limits = {_key(each.ref.labels): each for each in now[_LIMIT]}
    longest = _over(host_id, _LENGTH, start_ns, end_ns, "max")
    dropped = _over(host_id, _DROPS, start_ns, end_ns, "sum")
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


def _over(host_id: int, metric: str, start_ns: int, end_ns: int, how: str) -> dict[Key, float]:
    """The maximum or sum of every series of a metric in the range."""
    refs = series.find([host_id], metric)
    found = series.read(refs, start_ns, end_ns)
    values = {_key(ref.labels): found[ref.id][1] for ref in refs if ref.id in found and len(found[ref.id][1])}
    return {key: float(each.max() if how == "max" else each.sum()) for key, each in values.items()}
