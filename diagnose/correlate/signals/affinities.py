"""On which CPUs each service may run, and whether its control group's cpuset says so."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from diagnose.correlate.samples import Samples

# the number of CPUs is read more often than the list, which facts tell
READS = ("process_allowed_cpus",)

_PREFIX, _SUFFIX = "service.", ".cpus_allowed"


@dataclass(frozen=True, slots=True)
class Affinity:
    """`text` is the list as the kernel writes it; `cpuset` the control group that narrows it down, '' for none."""

    cpus: frozenset[int]
    text: str
    cpuset: str


@dataclass(frozen=True, slots=True)
class Affinities:
    """By service."""

    by_service: Mapping[str, Affinity]

    @classmethod
    def derive(cls, samples: Samples) -> Affinities | None:
        found = {}
        for name, text in samples.facts.items():
            if name.startswith(_PREFIX) and name.endswith(_SUFFIX):
                service = name[len(_PREFIX) : -len(_SUFFIX)]
                cpus = _cpus(text)
                cpuset = samples.facts.get(f"{_PREFIX}{service}.cgroup.cpuset", "")
                if cpus:
                    found[service] = Affinity(cpus, text.strip(), cpuset)
        return cls(found) if found else None


def _cpus(text: str) -> frozenset[int]:
    """Of a list such as `0-3,8`; none where it is no list."""
    found: set[int] = set()
    for part in text.strip().split(","):
        first, dash, last = part.partition("-")
        if not first.isdecimal() or (dash and not last.isdecimal()):
            return frozenset()
        found.update(range(int(first), int(last if dash else first) + 1))
    return frozenset(found)
