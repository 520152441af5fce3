"""Sockets that listen on one address together (SO_REUSEPORT): the kernel deals connections out to them by lot, and a
member that is slow fills its own queue while the others' are empty.

A member is known by the inode of its socket. How much each accepted is told by `accept_wait`, which asks here who
there is: who accepts nothing has to be told as 0.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from collectors.kernel.sockdiag import Listener
from collectors.probe import Host, Metric
from collectors.probes.net import owners
from collectors.processes.identity import Process
from collectors.readings import count, gauge
from collectors.wire import Sample

QUEUE, DROPS = "reuseport_member_queue_length", "reuseport_member_drops_total"
ACCEPTS = "reuseport_member_accepts_total"
LABELS = ("listener", "member", "pid", "service", "netns")
METRICS = (
    Metric(QUEUE, "", "The most connections that waited for accept() in the last ten seconds.", LABELS),
    Metric(DROPS, "", "Connections and handshakes that the member dropped.", LABELS, True),
)
# Listeners are read every second; a share is told as often as what it is a share of.
PASSES = 10
MOST_MEMBERS = 256


@dataclass(slots=True)
class Member:
    """`process` is who accepts from it where that was seen, else who holds it."""

    listener: str
    inode: int
    netns: str
    process: Process | None
    longest: int = 0
    drops: float | None = None

    @property
    def labels(self) -> dict[str, str]:
        pid, service = (str(self.process.pid), self.process.service) if self.process else ("", "")
        named = zip(LABELS, (self.listener, str(self.inode), pid, service, self.netns), strict=True)
        return {name: value for name, value in named if value}


class Groups:
    """The members of all groups of one host, by network namespace ('' is our own) and inode."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._members: dict[str, dict[int, Member]] = {}

    def keep(self, netns: str, listeners: Iterable[Listener], known: Mapping[int, owners.Owner]) -> None:
        """Those that are there now; what was learned of one before stays."""
        before = self._members.get(netns, {})
        found = {}
        for at in _sharing(listeners)[:MOST_MEMBERS]:
            owner = known.get(at.inode)
            found[at.inode] = before.get(at.inode) or Member(at.name, at.inode, netns, None)
            found[at.inode].process = found[at.inode].process or (owner.process if owner else None)
        self._members[netns] = found

    def leave(self, netns: str) -> None:
        """The namespace is gone."""
        self._members.pop(netns, None)

    def of(self, netns: str) -> dict[int, Member]:
        return self._members.get(netns, {})

    def all(self) -> dict[int, Member]:
        """By inode, which no two sockets of a host share."""
        return {inode: member for members in self._members.values() for inode, member in members.items()}


def _sharing(listeners: Iterable[Listener]) -> list[Listener]:
    """Two sockets can listen on one address with SO_REUSEPORT only; what was inherited is one socket."""
    found = [((at.family, at.address, at.port), at) for at in listeners]
    sockets = Counter(address for address, _ in found)
    return [at for address, at in found if sockets[address] > 1]


class Queues:
    """The queues of the members of one network namespace, over time."""

    def __init__(self, netns: str = "") -> None:
        self._netns = netns
        self._passes = 0

    def samples(
        self,
        host: Host,
        listeners: list[Listener],
        known: Mapping[int, owners.Owner],
        drops: Mapping[int, float],
    ) -> Iterator[Sample]:
        """`drops` are those of this pass by inode. Nothing where nobody shares an address."""
        groups = of(host.proc)
        groups.keep(self._netns, listeners, known)
        members = groups.of(self._netns)
        for at in listeners if members else ():
            if (member := members.get(at.inode)) is not None:
                member.longest = max(member.longest, at.queued)
                if at.inode in drops:
                    member.drops = (member.drops or 0.0) + drops[at.inode]
        self._passes += 1
        if self._passes % PASSES == 0:
            yield from _told(host.now_ns, members.values())


def _told(now_ns: int, members: Iterable[Member]) -> Iterator[Sample]:
    for member in members:
        labels = member.labels
        yield gauge(QUEUE, now_ns, member.longest, labels)
        if member.drops is not None:
            yield count(DROPS, now_ns, member.drops, labels)
        member.longest, member.drops = 0, None


@cache
def of(root: Path) -> Groups:
    """One for all probes of an agent."""
    return Groups(root)
