"""Who holds the global interpreter lock of each Python process, and how many threads wait for it."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass

from diagnose.correlate.attribution import Function, functions, is_waiting
from diagnose.correlate.interval import Z, wilson
from diagnose.correlate.samples import Profile, Samples, Series

READS = ("python_gil_held_ratio", "python_active_threads", "process_open_fds")
PROFILES = ("cpu", "gil", "wall")

# s; a change of load shows within a minute; the lock's turn among a process's captures comes round in it
RECENT_SECONDS = 60.0
# of all samples with the lock; a function that holds it more rarely is as likely to be blocked in a system call
LEAST_HOLDER_SHARE = 0.1
# looks at the process in one capture, at least (collectors/capture/plan.py: 4 s of `gil`, 8 s of `cpu`, once a second)
LEAST_GIL_TICKS, LEAST_CPU_TICKS = 4, 8
# captures of the lock; a single one lasts four seconds, as a start or a batch of work does
LEAST_CAPTURES = 2
# looks at the process; the error of a difference of two profiles is then below ±0.2 threads
LEAST_TICKS = 60


@dataclass(frozen=True, slots=True)
class GilOf:
    """One process. `held` 0…1 of time; `active_threads` and `waiting_threads` are means over time; `…_low` is the low
    end of the 95 % interval of each, for the number of times that the process was looked at (`ticks` for `held`).

    `waiting_threads` counts threads seen inside a function that usually holds the lock while another held it:
    such code needs no system call, so what it waits for is the lock. It is a lower bound; None without wall samples.
    """

    pid: int
    service: str
    held: float
    held_low: float
    ticks: int
    active_threads: float | None
    active_threads_low: float | None
    waiting_threads: float | None
    waiting_threads_low: float | None
    holders: tuple[Function, ...]
    holder_samples: int


@dataclass(frozen=True, slots=True)
class PythonGil:
    """By pid; processes that were not sampled in the last minute, or are gone, are left out."""

    by_pid: dict[int, GilOf]

    @classmethod
    def derive(cls, samples: Samples) -> PythonGil | None:
        active = samples.by_process("python_active_threads")
        cpu, gil, wall = (samples.profiles_of(kind) for kind in ("cpu", "gil", "wall"))
        found = {}
        for pid, held in samples.by_process("python_gil_held_ratio").items():
            lock = _recent(held, gil.get(pid), LEAST_GIL_TICKS, samples)
            if lock is None or lock.captures < LEAST_CAPTURES or not samples.is_alive(pid):
                continue
            awake = _recent(active[pid], cpu.get(pid), LEAST_CPU_TICKS, samples) if pid in active else None
            waiting, waiting_low = _waiting(gil.get(pid), wall.get(pid))
            holders = functions(gil[pid].stacks) if pid in gil else ()
            found[pid] = GilOf(
                pid=pid,
                service=held.labels.get("service", ""),
                held=lock.mean,
                held_low=wilson(lock.mean * lock.ticks, lock.ticks)[0],
                ticks=lock.ticks,
                active_threads=awake.mean if awake else None,
                active_threads_low=awake.mean - Z * math.sqrt(max(0.0, awake.mean) / awake.ticks)
                if awake
                else None,
                waiting_threads=waiting,
                waiting_threads_low=waiting_low,
                holders=holders,
                holder_samples=sum(function.count for function in holders),
            )
        return cls(found) if found else None


@dataclass(frozen=True, slots=True)
class _Recent:
    """What the captures of the last minute gave, and how many looks at the process they took together."""

    mean: float
    captures: int
    ticks: int


def _recent(series: Series, profile: Profile | None, least: int, samples: Samples) -> _Recent | None:
    """None for a process that was not sampled lately. A profile tells the looks of the whole window's captures."""
    recent = series.since(samples.end_ns - int(RECENT_SECONDS * 1e9)).values
    if not len(recent):
        return None
    each = max(least, profile.ticks / len(series.values)) if profile else least
    return _Recent(float(recent.mean()), len(recent), round(each * len(recent)))


def _leaves(profile: Profile) -> Counter[tuple[str, str]]:
    """Samples by the function on top, without the library's blocking calls."""
    counts: Counter[tuple[str, str]] = Counter()
    for stack in profile.stacks:
        if not is_waiting(stack):
            counts[stack.frames[-1].name, stack.frames[-1].file] += stack.count
    return counts


def _waiting(gil: Profile | None, wall: Profile | None) -> tuple[float | None, float | None]:
    """The mean and the low end of its interval. Each look is a few yes-or-no readings: their sum varies by no more
    than its mean."""
    if gil is None or wall is None or min(gil.ticks, wall.ticks) < LEAST_TICKS:
        return None, None
    holding, present = _leaves(gil), _leaves(wall)
    least = LEAST_HOLDER_SHARE * gil.count
    usual = [key for key, count in holding.items() if count >= least]
    there = sum(present[key] for key in usual) / wall.ticks
    with_lock = sum(holding[key] for key in usual) / gil.ticks
    error = Z * math.sqrt(there / wall.ticks + with_lock / gil.ticks)
    return max(0.0, there - with_lock), max(0.0, there - with_lock - error)
