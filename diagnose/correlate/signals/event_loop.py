"""What the thread of each Python event loop does: waits for events, or is kept by a call."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from diagnose.correlate.attribution import Function, functions
from diagnose.correlate.samples import Profile, Samples, Stack

READS = ("epoll_wakeups_total",)
PROFILES = ("wall", "cpu")

# samples of the thread; the 95 % interval of a share is then within ±0.18
LEAST_SAMPLES = 30
# s of wakeups; the probe tells them every ten
RECENT_SECONDS = 45.0
_LOOPS = ("asyncio/base_events.py", "asyncio/runners.py", "uvloop/", "tornado/ioloop.py")
_WAITS = ("select", "poll")


@dataclass(frozen=True, slots=True)
class EventLoopOf:
    """One process. `kept` of `samples` saw the loop's thread in a call, `computing_share` of those on a CPU; `calls`
    are the service's own functions by that, most first. `turns_per_second` is how often the loop looks for events; None
    unmeasured."""

    pid: int
    service: str
    thread: str
    samples: int
    kept: int
    computing_share: float
    calls: tuple[Function, ...]
    leaves: tuple[Function, ...]
    turns_per_second: float | None

    @property
    def kept_share(self) -> float:
        return self.kept / self.samples

    @property
    def turn_seconds(self) -> float | None:
        """How long the loop is kept from one look for events to the next, on average."""
        return self.kept_share / self.turns_per_second if self.turns_per_second else None


@dataclass(frozen=True, slots=True)
class EventLoops:
    """By pid; processes without an event loop are left out."""

    by_pid: Mapping[int, EventLoopOf]

    @classmethod
    def derive(cls, samples: Samples) -> EventLoops | None:
        walls, cpus = samples.profiles_of("wall"), samples.profiles_of("cpu")
        loops = {pid: stacks for pid, wall in walls.items() if (stacks := _of_loop(wall))}
        number: dict[str, int] = {}
        for pid in loops:
            number[walls[pid].service] = number.get(walls[pid].service, 0) + 1
        found = {
            pid: _loop(walls[pid], cpus.get(pid), stacks, number[walls[pid].service], samples)
            for pid, stacks in loops.items()
            if sum(stack.count for stack in stacks) >= LEAST_SAMPLES
        }
        return cls(found) if walls else None


def _of_loop(wall: Profile) -> list[Stack]:
    """The stacks of the thread that runs the loop."""
    threads: dict[str, list[Stack]] = {}
    for stack in wall.stacks:
        threads.setdefault(stack.thread, []).append(stack)
    counts = {
        name: sum(each.count for each in stacks if _runs_loop(each)) for name, stacks in threads.items()
    }
    name = max(counts, key=lambda each: counts[each], default="")
    return [stack for stack in threads.get(name, ()) if _runs_loop(stack)] if counts.get(name) else []


def _runs_loop(stack: Stack) -> bool:
    return any(_is_loop(frame.file) for frame in stack.frames)


@lru_cache(10_000)
def _is_loop(file: str) -> bool:
    return any(loop in file for loop in _LOOPS)


def _waits(stack: Stack) -> bool:
    """In the loop's own look for events; uvloop's has no frame below the call that runs it."""
    leaf = stack.frames[-1]
    in_selector = leaf.name.rpartition(".")[2] in _WAITS and "selectors.py" in leaf.file
    return in_selector or _is_loop(leaf.file)


def _loop(
    wall: Profile, cpu: Profile | None, stacks: list[Stack], loops: int, samples: Samples
) -> EventLoopOf:
    kept = [stack for stack in stacks if not _waits(stack)]
    count, seen = sum(stack.count for stack in kept), sum(stack.count for stack in stacks)
    on_cpu = 0.0
    if cpu and count:
        running = sum(each.count for each in cpu.stacks if _runs_loop(each) and not _waits(each))
        on_cpu = min(1.0, running / cpu.ticks / (count / wall.ticks))
    turns = _turns(wall.service, samples)
    return EventLoopOf(
        pid=wall.pid,
        service=wall.service,
        thread=stacks[0].thread,
        samples=seen,
        kept=count,
        computing_share=on_cpu,
        calls=functions(kept),
        leaves=_leaves(kept),
        turns_per_second=None if turns is None else turns / loops,
    )


def _leaves(stacks: list[Stack]) -> tuple[Function, ...]:
    return functions(Stack(stack.thread, stack.frames[-1:], stack.count) for stack in stacks)


def _turns(service: str, samples: Samples) -> float | None:
    """Returns of epoll_wait() a second, of all processes of the service; None where nobody counted."""
    since_ns, total, seconds = samples.end_ns - int(RECENT_SECONDS * 1e9), 0.0, 0.0
    for series in samples.grouped("epoll_wakeups_total", "service").get(service, ()):
        recent = series.since(since_ns)
        total += recent.total
        if len(recent.times_ns):
            seconds = max(seconds, 10.0 * len(recent.times_ns))
    return total / seconds if seconds else None
