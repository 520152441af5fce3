"""The processes that a diagnosis is most likely about, as the process probe chose them; other probes look closer."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from collectors.identity import Process


@dataclass(slots=True)
class Watched:
    """Of one /proc. `processes` is None until the process probe has run once."""

    root: Path
    processes: list[Process] | None = field(default=None)


@cache
def of(root: Path) -> Watched:
    """One for all probes of an agent."""
    return Watched(root)
