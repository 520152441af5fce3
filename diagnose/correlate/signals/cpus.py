"""How many CPUs the host has."""

from __future__ import annotations

from dataclasses import dataclass

from diagnose.correlate.samples import Samples

READS: tuple[str, ...] = ()
FACTS = ("cpu.count",)


@dataclass(frozen=True, slots=True)
class Cpus:
    """Logical CPUs that are online."""

    count: int

    @classmethod
    def derive(cls, samples: Samples) -> Cpus | None:
        count = samples.number("cpu.count")
        return cls(count) if count else None
