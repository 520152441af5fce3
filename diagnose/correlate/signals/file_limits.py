"""How high a process's limit of open files may be set."""

from __future__ import annotations

from dataclasses import dataclass

from diagnose.correlate.samples import Samples

READS: tuple[str, ...] = ()
FACTS = ("sysctl.fs.nr_open",)


@dataclass(frozen=True, slots=True)
class FileLimits:
    """fs.nr_open: RLIMIT_NOFILE cannot pass it."""

    nr_open: int

    @classmethod
    def derive(cls, samples: Samples) -> FileLimits | None:
        nr_open = samples.number("sysctl.fs.nr_open")
        return cls(nr_open) if nr_open else None
