"""What samples stacks all the time, beside the probes: on threads of its own, within a budget that all share."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from collectors.capture.choose import PROC, Denies
from collectors.probe import Metric
from collectors.wire import ProbeStatus, Sample

Emit = Callable[[Sample], None]


@dataclass(frozen=True, slots=True)
class Settings:
    """What the host's owner decided: `cpu_share` of one core, memory; `denies`: whose stacks are never taken.

    `discover_go`: whether Go programs that serve profiles are looked for beyond those that are named.
    """

    cpu_share: float = 0.03
    memory_bytes: int = 60 * 1024 * 1024
    denies: Denies = lambda _: False
    proc: Path = PROC
    sys: Path = Path("/sys")
    discover_go: bool = False


class Sampler(Protocol):
    """One a file in `samplers/`. It is made when the collector starts and never again."""

    NAME: str
    METRICS: tuple[Metric, ...]

    def __init__(self, settings: Settings) -> None: ...

    def start(self, emit: Emit) -> None:
        """Begins a thread that samples until `stop`."""

    def stop(self) -> None:
        """Returns when nothing of this sampler runs any more."""

    def status(self) -> Iterator[ProbeStatus]:
        """How it goes; `seconds` is what it has cost since this was last asked. From any thread."""
