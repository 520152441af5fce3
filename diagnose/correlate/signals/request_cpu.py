"""On-CPU samples of each Python process that are of requests."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from diagnose.correlate.attribution import is_waiting
from diagnose.correlate.samples import Samples, Stack
from diagnose.correlate.serving import in_request

READS = ("process_age_seconds",)
PROFILES = ("cpu",)


@dataclass(frozen=True, slots=True)
class RequestCpuOf:
    """One process. `age_seconds` is how old it was when the window began, None unread."""

    pid: int
    service: str
    stacks: tuple[Stack, ...]
    age_seconds: float | None

    @property
    def samples(self) -> int:
        return sum(stack.count for stack in self.stacks)


@dataclass(frozen=True, slots=True)
class RequestCpu:
    """By pid."""

    by_pid: Mapping[int, RequestCpuOf]

    @classmethod
    def derive(cls, samples: Samples) -> RequestCpu | None:
        ages, profiles = samples.by_process("process_age_seconds"), samples.profiles_of("cpu")
        found = {}
        for pid, profile in profiles.items():
            stacks = tuple(each for each in profile.stacks if in_request(each) and not is_waiting(each))
            age = None
            if pid in ages:
                age = ages[pid].last - (int(ages[pid].times_ns[-1]) - samples.start_ns) / 1e9
            if stacks:
                found[pid] = RequestCpuOf(pid, profile.service, stacks, age)
        return cls(found) if profiles else None
