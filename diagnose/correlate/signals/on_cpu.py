"""Which functions of a process its on-CPU samples belong to."""

from __future__ import annotations

from dataclasses import dataclass

from diagnose.correlate.attribution import Function, functions, is_waiting
from diagnose.correlate.samples import Samples

READS: tuple[str, ...] = ()
PROFILES = ("cpu",)


@dataclass(frozen=True, slots=True)
class OnCpuOf:
    """One process: functions by samples, most first, and all samples of threads that were not waiting."""

    pid: int
    service: str
    functions: tuple[Function, ...]
    samples: int


@dataclass(frozen=True, slots=True)
class OnCpu:
    """By pid."""

    by_pid: dict[int, OnCpuOf]

    @classmethod
    def derive(cls, samples: Samples) -> OnCpu | None:
        found = {}
        for pid, profile in samples.profiles_of("cpu").items():
            working = functions(stack for stack in profile.stacks if not is_waiting(stack))
            if working:
                count = sum(function.count for function in working)
                found[pid] = OnCpuOf(pid, profile.service, working, count)
        return cls(found) if found else None
