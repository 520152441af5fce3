"""Sockets that share an address (SO_REUSEPORT): how many connections each accepted lately, and how many waited."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from statistics import median

from diagnose.correlate.samples import Samples, Series

READS = (
    "reuseport_member_queue_length",
    "reuseport_member_drops_total",
    "reuseport_member_accepts_total",
    "listener_accept_queue_length",
)

RECENT_SECONDS = 30.0
# s; two readings, and a late one
_THERE_SECONDS = 25.0


@dataclass(frozen=True, slots=True)
class Member:
    """One socket. `waiting` are the most connections in each of the last ten seconds, at the least; `accepted` per
    second, None where it is not counted."""

    member: str
    pid: int | None
    service: str
    waiting: float
    dropped: float
    accepted: float | None


@dataclass(frozen=True, slots=True)
class ListenerGroup:
    """Members with the longest queue first."""

    listener: str
    netns: str
    members: tuple[Member, ...]

    @property
    def worst(self) -> Member:
        return self.members[0]

    @property
    def others_waiting(self) -> float:
        """At the typical one of the others."""
        return median(each.waiting for each in self.members[1:])

    @property
    def accepted(self) -> float:
        return sum(each.accepted or 0.0 for each in self.members)


@dataclass(frozen=True, slots=True)
class ListenerGroups:
    """Groups of at least two; it is there, and empty, where listeners are read and none is shared so."""

    groups: tuple[ListenerGroup, ...]

    @classmethod
    def derive(cls, samples: Samples) -> ListenerGroups | None:
        since_ns = samples.end_ns - int(_THERE_SECONDS * 1e9)
        every = samples.of("reuseport_member_queue_length")
        lengths = [each for each in every if each.times_ns[-1] >= since_ns]
        if not lengths and not samples.of("listener_accept_queue_length"):
            return None
        begin_ns = samples.end_ns - int(RECENT_SECONDS * 1e9)
        counted = {
            metric: {each.labels.get("member", ""): each for each in samples.of(metric)}
            for metric in READS[1:3]
        }
        groups: dict[tuple[str, str], list[Member]] = {}
        for each in lengths:
            key = each.labels.get("listener", ""), each.labels.get("netns", "")
            groups.setdefault(key, []).append(_member(each, counted, begin_ns))
        found = (_group(*key, members) for key, members in groups.items() if len(members) > 1)
        return cls(tuple(found))


def _member(length: Series, counted: Mapping[str, Mapping[str, Series]], begin_ns: int) -> Member:
    member, pid = length.labels.get("member", ""), length.labels.get("pid", "")
    drops, accepts = (counted[metric].get(member) for metric in READS[1:3])
    recent = length.values[-2:]
    return Member(
        member=member,
        pid=int(pid) if pid else None,
        service=length.labels.get("service", ""),
        waiting=float(recent.min()) if len(recent) > 1 else 0.0,
        dropped=drops.since(begin_ns).total if drops else 0.0,
        accepted=accepts.since(begin_ns).total / RECENT_SECONDS if accepts else None,
    )


def _group(listener: str, netns: str, members: list[Member]) -> ListenerGroup:
    ordered = sorted(members, key=lambda each: (-each.waiting, -each.dropped, each.member))
    return ListenerGroup(listener, netns, tuple(ordered))
