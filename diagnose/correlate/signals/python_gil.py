"""Who holds the global interpreter lock of each Python process, and how many threads wait for it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from diagnose.correlate.attribution import Function, functions, is_waiting
from diagnose.correlate.samples import Profile, Samples, Series

READS = ("python_gil_held_ratio", "python_active_threads", "process_open_fds")
PROFILES = ("gil", "wall")

# s; a change of load shows within a minute; the lock's turn among a process's captures comes round in it
RECENT_SECONDS = 60.0
# of all samples with the lock; a function that holds it more rarely is as likely to be blocked in a system call
LEAST_HOLDER_SHARE = 0.1
# looks at the process; the error of a difference of two profiles is then below ±0.2 threads
LEAST_TICKS = 60


@dataclass(frozen=True, slots=True)
class GilOf:
    """One process. `held` 0…1 of time; `active_threads` and `waiting_threads` are means over time.

    `waiting_threads` counts threads seen inside a function that usually holds the lock while another held it:
    such code needs no system call, so what it waits for is the lock. It is a lower bound; None without wall samples.
    """

    pid: int
    service: str
    held: float
    active_threads: float | None
    waiting_threads: float | None
    holders: tuple[Function, ...]
    holder_samples: int


@dataclass(frozen=True, slots=True)
class PythonGil:
    """By pid; processes that were not sampled in the last minute, or are gone, are left out."""

    by_pid: dict[int, GilOf]

    @classmethod
    def derive(cls, samples: Samples) -> PythonGil | None:
        active = samples.by_process("python_active_threads")
        gil, wall = samples.profiles_of("gil"), samples.profiles_of("wall")
        found = {}
        for pid, held in samples.by_process("python_gil_held_ratio").items():
            held_ratio = _recent_mean(held, samples)
            if held_ratio is None or not samples.is_alive(pid):
                continue
            holders = functions(gil[pid].stacks) if pid in gil else ()
            found[pid] = GilOf(
                pid=pid,
                service=held.labels.get("service", ""),
                held=held_ratio,
                active_threads=_recent_mean(active[pid], samples) if pid in active else None,
                waiting_threads=_waiting(gil.get(pid), wall.get(pid)),
                holders=holders,
                holder_samples=sum(function.count for function in holders),
            )
        return cls(found) if found else None


def _recent_mean(series: Series, samples: Samples) -> float | None:
    """None for a process that was not sampled lately, or is gone."""
    recent = series.since(samples.end_ns - int(RECENT_SECONDS * 1e9)).values
    return float(recent.mean()) if len(recent) else None


def _leaves(profile: Profile) -> Counter[tuple[str, str]]:
    """Samples by the function on top, without the library's blocking calls."""
    counts: Counter[tuple[str, str]] = Counter()
    for stack in profile.stacks:
        if not is_waiting(stack):
            counts[stack.frames[-1].name, stack.frames[-1].file] += stack.count
    return counts


def _waiting(gil: Profile | None, wall: Profile | None) -> float | None:
    if gil is None or wall is None or min(gil.ticks, wall.ticks) < LEAST_TICKS:
        return None
    holding, present = _leaves(gil), _leaves(wall)
    least = LEAST_HOLDER_SHARE * gil.count
    usual = [key for key, count in holding.items() if count >= least]
    return max(0.0, sum(present[key] / wall.ticks - holding[key] / gil.ticks for key in usual))
