"""What the process probe leaves for other probes: who is worth a closer look, and everybody's descriptors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from collectors.kernel.procfs import Stat
from collectors.probe import NotYet
from collectors.processes.identity import Process


@dataclass(slots=True)
class Open:
    """How many descriptors a process has open, and its soft limit; None where this user may not look."""

    stat: Stat
    fds: int | None
    limit: int | None


@dataclass(slots=True)
class Watched:
    """Of one /proc. `processes` is None until the process probe has run once."""

    root: Path
    processes: list[Process] | None = field(default=None)
    descriptors: Sequence[Open] = ()

    def chosen(self) -> list[Process]:
        """Who is worth a closer look. NotYet before the process probe has run."""
        if self.processes is None:
            raise NotYet("the probe processes has not chosen whom to watch: it is off, or has not run yet")
        return self.processes


@cache
def of(root: Path) -> Watched:
    """One for all probes of an agent."""
    return Watched(root)
