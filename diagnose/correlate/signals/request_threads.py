"""Where the threads of each Python process are while they are at requests, on a CPU or not."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from diagnose.correlate.interval import Z
from diagnose.correlate.samples import Frame, Samples, Stack
from diagnose.correlate.serving import in_request

READS: tuple[str, ...] = ()
PROFILES = ("wall",)

# looks at the process; fewer tell no mean
LEAST_LOOKS = 20


@dataclass(frozen=True, slots=True)
class Spot:
    """A frame and how many samples are of it."""

    frame: Frame
    count: int

    @property
    def place(self) -> str:
        return f"{self.frame.name} ({self.frame.file}:{self.frame.line})"

    @property
    def short(self) -> str:
        return f"{self.frame.name} ({self.frame.file.rpartition('/')[2]}:{self.frame.line})"


@dataclass(frozen=True, slots=True)
class RequestThreadsOf:
    """One process that was looked at `looks` times. `stacks` are those of threads at requests."""

    pid: int
    service: str
    looks: float
    stacks: tuple[Stack, ...]

    @property
    def samples(self) -> int:
        return sum(stack.count for stack in self.stacks)

    @property
    def threads(self) -> float:
        """At requests, on average."""
        return self.samples / self.looks

    def threads_low(self, count: float) -> float:
        """The low end of the 95 % interval of a mean number of threads that was seen `count` times; the readings of one
        look differ by no more than their mean."""
        return max(0.0, (count - Z * math.sqrt(count)) / self.looks)

    def spots(self, where: Callable[[Stack], Frame | None]) -> tuple[Spot, ...]:
        """Samples by the frame that `where` names, most first; stacks without one are left out."""
        counts: Counter[Frame] = Counter()
        for stack in self.stacks:
            frame = where(stack)
            if frame is not None:
                counts[frame] += stack.count
        return tuple(Spot(frame, count) for frame, count in counts.most_common())


@dataclass(frozen=True, slots=True)
class RequestThreads:
    """By pid, of processes that were at requests at all."""

    by_pid: Mapping[int, RequestThreadsOf]

    @classmethod
    def derive(cls, samples: Samples) -> RequestThreads | None:
        found = {}
        profiles = samples.profiles_of("wall")
        for pid, profile in profiles.items():
            stacks = tuple(stack for stack in profile.stacks if in_request(stack))
            if stacks and profile.ticks >= LEAST_LOOKS:
                found[pid] = RequestThreadsOf(pid, profile.service, profile.ticks, stacks)
        return cls(found) if profiles else None
