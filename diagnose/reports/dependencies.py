"""Who calls whom: requests that services send to others, with how many and how long they take, as a map."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from diagnose.reports.readings import Readings
from diagnose.store import histograms
from diagnose.store.series import SeriesRef

CALLS, LISTENS = "dependency_seconds", "listener_accept_queue_limit"
METRICS = (CALLS, LISTENS)
_MOST_CALLS = 40


class Target(NamedTuple):
    """Whom a service calls: a service that we know, or an address."""

    name: str
    is_service: bool


@dataclass(frozen=True, slots=True)
class Call:
    """All requests of one service to one target in a time; `waiting` is how many of its requests wait on average."""

    caller: str
    target: Target
    protocol: str
    rate: float
    p50_seconds: float
    p99_seconds: float
    waiting: float


def calls(readings: Readings, start_ns: int, end_ns: int) -> list[Call]:
    """Where most waits first. `readings` have METRICS of all hosts."""
    listeners = _listeners(readings.of(LISTENS))
    groups: dict[tuple[str, Target, str], list[SeriesRef]] = defaultdict(list)
    for ref in readings.of(CALLS):
        target = _target(ref, listeners)
        groups[ref.labels.get("service", "?"), target, ref.labels.get("protocol", "")].append(ref)
    found = histograms.over_time(list(groups.values()), start_ns, end_ns, 1)
    seconds = (end_ns - start_ns) / 1e9
    told = []
    for (caller, target, protocol), maps in zip(groups, found, strict=True):
        for one in maps[:1]:
            p50, p99 = one.whole().quantiles([0.5, 0.99])[0].tolist()
            told.append(Call(caller, target, protocol, one.count / seconds, p50, p99, one.sum / seconds))
    return sorted(told, key=lambda call: -call.waiting)[:_MOST_CALLS]


def _listeners(refs: Iterable[SeriesRef]) -> Mapping[tuple[int, str], str]:
    """The service behind a port of a host. `0` stands for a port that only one service of the fleet listens on."""
    by_port: dict[str, set[str]] = defaultdict(set)
    found: dict[tuple[int, str], str] = {}
    for ref in refs:
        service, port = ref.labels.get("service", ""), ref.labels.get("listener", "").rpartition(":")[2]
        if service and port:
            found[ref.host_id, port] = service
            by_port[port].add(service)
    return found | {(0, port): next(iter(some)) for port, some in by_port.items() if len(some) == 1}


def _target(ref: SeriesRef, listeners: Mapping[tuple[int, str], str]) -> Target:
    """A loopback address is the host's own; another one is a service if only one listens on that port anywhere."""
    dst = ref.labels.get("dst", "?")
    address, _, port = dst.rpartition(":")
    host = ref.host_id if address.strip("[]").startswith(("127.", "::1", "::ffff:127.")) else 0
    service = listeners.get((host, port))
    return Target(service, True) if service else Target(dst, False)


class Box(NamedTuple):
    """A service or address on the map; `x` and `y` are of its upper left corner."""

    name: str
    is_service: bool
    x: int
    y: int


class Edge(NamedTuple):
    """A call between two boxes, from right side to left side, `width` by how much waits."""

    call: Call
    path: str
    width: float


@dataclass(frozen=True, slots=True)
class Map:
    """Boxes in columns: callers stand left of whom they call."""

    boxes: list[Box]
    edges: list[Edge]
    width: int
    height: int


BOX_WIDTH, BOX_HEIGHT = 190, 30
_COLUMN, _ROW = 300, 46


def map_of(found: Sequence[Call], about: str = "") -> Map:
    """All calls, or those to and from the service `about`."""
    shown = [call for call in found if about in {"", call.caller, call.target.name}]
    known = {call.target.name: call.target.is_service for call in shown} | dict.fromkeys(
        (c.caller for c in shown), True
    )
    column = _columns(shown, known)
    rows: dict[int, int] = defaultdict(int)
    boxes = {}
    for name in sorted(known, key=lambda one: (column[one], one)):
        place = column[name]
        boxes[name] = Box(name, known[name], place * _COLUMN, rows[place] * _ROW + 4)
        rows[place] += 1
    most = max((call.waiting for call in shown), default=0) or 1
    edges = [
        Edge(call, _path(boxes[call.caller], boxes[call.target.name]), round(1 + 4 * call.waiting / most, 2))
        for call in shown
    ]
    width = (max(rows, default=0)) * _COLUMN + BOX_WIDTH
    return Map(list(boxes.values()), edges, width, max(rows.values(), default=0) * _ROW)


def _columns(found: Sequence[Call], names: Iterable[str]) -> dict[str, int]:
    """The longest way from a caller that nobody calls; a ring of calls ends where it began."""
    column = dict.fromkeys(names, 0)
    for _ in range(min(len(column), 6)):
        for call in found:
            if call.target.name != call.caller:
                column[call.target.name] = min(5, max(column[call.target.name], column[call.caller] + 1))
    return column


def _path(caller: Box, target: Box) -> str:
    x0, y0 = caller.x + BOX_WIDTH, caller.y + BOX_HEIGHT // 2
    x1, y1 = target.x, target.y + BOX_HEIGHT // 2
    bend = max(40, (x1 - x0) // 2)
    return f"M{x0},{y0} C{x0 + bend},{y0} {x1 - bend},{y1} {x1},{y1}"
