"""What else differed between two sides: settings, sizes, versions. Equal runs are the only ones that prove anything."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from diagnose.store import facts

# Of a host, what makes a run unlike another; `service.NAME.` of the service compared as well.
_PREFIXES = ("cpu.", "kernel.release", "kernel.mitigations", "machine.", "memory.", "sysctl.", "nic.", "os.")
_OF_SERVICES = ("cpus_allowed", "limit.", "env.", "runtime_version", "version", "command")
MOST = 50


@dataclass(frozen=True, slots=True)
class Difference:
    name: str
    before: str
    after: str


def between_hosts(one: int, two: int, service: str) -> list[Difference]:
    """As they are now; facts that one of them lacks are told, too."""
    mine, theirs = (
        {fact.name: fact.value for fact in facts.facts(host) if _matters(fact.name, service)}
        for host in (one, two)
    )
    names = sorted(name for name in mine.keys() | theirs.keys() if mine.get(name) != theirs.get(name))
    return [Difference(name, mine.get(name, ""), theirs.get(name, "")) for name in names][:MOST]


def over_time(host: int, start: datetime, end: datetime, service: str) -> list[Difference]:
    """What changed on one host from the beginning of the first side to the end of the second."""
    changes = facts.changes(host, int(start.timestamp() * 1e9), int(end.timestamp() * 1e9))
    known = [each for each in changes if _matters(each.name, service)]
    return [Difference(each.name, each.before, each.after) for each in known][:MOST]


def _matters(name: str, service: str) -> bool:
    if service and name.startswith(f"service.{service}."):
        return name.removeprefix(f"service.{service}.").startswith(_OF_SERVICES)
    return name.startswith(_PREFIXES)
