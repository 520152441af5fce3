"""What the thread that accepts connections does: waits for them, or is busy elsewhere."""

from __future__ import annotations

from dataclasses import dataclass

from diagnose.correlate.attribution import Function, functions, is_accepting, is_waiting
from diagnose.correlate.samples import Profile, Samples, Stack

READS: tuple[str, ...] = ()
PROFILES = ("wall",)

# samples of the thread; the 95 % interval of a share is then within ±0.18
LEAST_SAMPLES = 30


@dataclass(frozen=True, slots=True)
class AcceptingThreadOf:
    """One process. `idle_share` 0…1: the thread sat in accept, select or poll. `busy_with`: otherwise, most first."""

    pid: int
    service: str
    thread: str
    samples: int
    idle_share: float
    busy_with: tuple[Function, ...]


@dataclass(frozen=True, slots=True)
class AcceptingThread:
    """By pid; processes in whose stacks no accepting loop is recognised are left out."""

    by_pid: dict[int, AcceptingThreadOf]

    @classmethod
    def derive(cls, samples: Samples) -> AcceptingThread | None:
        each = (_of(profile) for profile in samples.profiles_of("wall").values())
        found = {thread.pid: thread for thread in each if thread is not None}
        return cls(found) if found else None


def _of(profile: Profile) -> AcceptingThreadOf | None:
    threads: dict[str, list[Stack]] = {}
    for stack in profile.stacks:
        threads.setdefault(stack.thread, []).append(stack)
    name = _accepting(threads)
    stacks = threads.get(name, [])
    seen = sum(stack.count for stack in stacks)
    if seen < LEAST_SAMPLES:
        return None
    idle = sum(stack.count for stack in stacks if waits_for_connections(stack))
    busy = functions(stack for stack in stacks if not waits_for_connections(stack))
    return AcceptingThreadOf(profile.pid, profile.service, name, seen, idle / seen, busy)


def _accepting(threads: dict[str, list[Stack]]) -> str:
    """The thread most often in an accepting loop; a process's only thread is it even when it never gets there."""
    counts = {
        name: sum(stack.count for stack in stacks if is_accepting(stack)) for name, stacks in threads.items()
    }
    best = max(counts, key=lambda name: counts[name], default="")
    return best if len(threads) == 1 or counts.get(best) else ""


def waits_for_connections(stack: Stack) -> bool:
    """Waiting for a peer or a thread inside a handler is not it: only the loop's own select, poll or accept is."""
    return is_waiting(stack) and stack.frames[-1].name.rpartition(".")[2] in {"accept", "select", "poll"}
