"""The kernel's own cap on accept queues, and the memory a longer queue would come out of."""

from __future__ import annotations

from dataclasses import dataclass

from diagnose.correlate.samples import Samples

READS: tuple[str, ...] = ()
FACTS = ("sysctl.net.core.somaxconn", "memory.total_bytes")


@dataclass(frozen=True, slots=True)
class ListenCaps:
    """`somaxconn` as it is now: a listener keeps the one that held when it called listen()."""

    somaxconn: int
    memory_bytes: int | None

    @classmethod
    def derive(cls, samples: Samples) -> ListenCaps | None:
        somaxconn = samples.number("sysctl.net.core.somaxconn")
        return None if somaxconn is None else cls(somaxconn, samples.number("memory.total_bytes"))
