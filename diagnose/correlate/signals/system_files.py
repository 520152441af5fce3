"""Open files of the whole host, and how many there may be."""

from __future__ import annotations

from dataclasses import dataclass

from diagnose.correlate.samples import Samples

READS = ("filefd_allocated", "filefd_maximum")
FACTS = ("memory.total_bytes",)


@dataclass(frozen=True, slots=True)
class SystemFiles:
    """The last reading of file-nr."""

    allocated: float
    maximum: float
    memory_bytes: int | None

    @property
    def share(self) -> float:
        return self.allocated / self.maximum

    @classmethod
    def derive(cls, samples: Samples) -> SystemFiles | None:
        allocated, maximum = samples.of("filefd_allocated"), samples.of("filefd_maximum")
        if not allocated or not maximum or not maximum[0].last:
            return None
        return cls(allocated[0].last, maximum[0].last, samples.number(FACTS[0]))
