"""Whom the kernel killed for want of memory in the window, where its log may be read."""

from __future__ import annotations

from dataclasses import dataclass

from diagnose.correlate.samples import Samples

READS = ("oom_kills_total", "oom_victim_resident_bytes")


@dataclass(frozen=True, slots=True)
class Victim:
    """`limited`: its group's limit was reached, and not the host's end."""

    service: str
    name: str
    pid: int | None
    cgroup: str
    limited: bool
    kills: float
    resident_bytes: float | None


@dataclass(frozen=True, slots=True)
class OomKills:
    """At least one; None where nobody was killed or nobody may know."""

    victims: tuple[Victim, ...]

    @classmethod
    def derive(cls, samples: Samples) -> OomKills | None:
        memory = {tuple(each.labels.items()): each.last for each in samples.of("oom_victim_resident_bytes")}
        found = [
            Victim(
                service=each.labels.get("service", ""),
                name=each.labels.get("name", ""),
                pid=int(pid) if (pid := each.labels.get("pid", "")).isdecimal() else None,
                cgroup=each.labels.get("cgroup", ""),
                limited=each.labels.get("scope") == "cgroup",
                kills=each.total,
                resident_bytes=memory.get(tuple(each.labels.items())),
            )
            for each in samples.of("oom_kills_total")
        ]
        return cls(tuple(found)) if found else None
