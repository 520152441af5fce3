"""Where the goroutines of a Go program are: what they were started with, and at which locks they wait."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from diagnose.correlate.goframes import begun_at, owner
from diagnose.correlate.samples import Frame, Profile, Samples, Stack

READS = ("go_goroutines",)
PROFILES = ("goroutine", "mutex")

_LOCKS = ("sync.(*Mutex).Lock", "sync.(*RWMutex).Lock", "sync.(*RWMutex).RLock", "sync.(*Mutex).lockSlow")


@dataclass(frozen=True, slots=True)
class Group:
    """Goroutines with the same beginning, or at the same lock: how many of those that were seen, and the commonest
    stack among them, root first."""

    where: Frame
    count: int
    stack: tuple[Frame, ...]


@dataclass(frozen=True, slots=True)
class GoroutinesOf:
    """One program. `seen` is the sum over all looks; a share of it is a share of its goroutines.

    `awaiting_request` are those of connections on which no request has begun.
    `lock_holders` are the callers that others waited for, by nanoseconds, where the program tells that.
    """

    pid: int
    service: str
    seen: int
    started: tuple[Group, ...]
    at_locks: tuple[Group, ...]
    lock_holders: tuple[Group, ...]
    awaiting_request: int
    lock_seconds: float | None


@dataclass(frozen=True, slots=True)
class Goroutines:
    """By pid, of programs whose profiles are read."""

    by_pid: Mapping[int, GoroutinesOf]

    @classmethod
    def derive(cls, samples: Samples) -> Goroutines | None:
        mutexes = samples.profiles_of("mutex", native=True)
        found = {
            pid: _program(profile, mutexes.get(pid))
            for pid, profile in samples.profiles_of("goroutine", native=True).items()
        }
        return cls(found) if found else None


def _program(profile: Profile, mutex: Profile | None) -> GoroutinesOf:
    stacks = [stack for stack in profile.stacks if stack.frames]
    waiting = [stack for stack in stacks if _is_at_lock(stack)]
    holders = [stack for stack in mutex.stacks if stack.frames] if mutex else []
    return GoroutinesOf(
        pid=profile.pid,
        service=profile.service,
        seen=sum(stack.count for stack in stacks),
        started=_groups((begun_at(stack), stack) for stack in stacks),
        at_locks=_groups((owner(stack), stack) for stack in waiting),
        lock_holders=_groups((owner(stack), stack) for stack in holders),
        awaiting_request=sum(stack.count for stack in stacks if _awaits_request(stack)),
        lock_seconds=sum(stack.count for stack in holders) / 1e9 / mutex.seconds
        if mutex and mutex.seconds
        else None,
    )


def _is_at_lock(stack: Stack) -> bool:
    return any(frame.name.startswith(_LOCKS) for frame in stack.frames[-6:])


def _awaits_request(stack: Stack) -> bool:
    """net/http/server.go: serve waits for the first byte, or reads the head; in a handler there is ServeHTTP too."""
    names = [frame.name for frame in stack.frames]
    serving = any(name.startswith("net/http.(*conn).serve") for name in names)
    reading = any(name.startswith(("net.(*conn).Read", "crypto/tls.(*Conn).Read")) for name in names)
    return serving and reading and not any("ServeHTTP" in name for name in names)


def _groups(placed: Iterable[tuple[Frame, Stack]]) -> tuple[Group, ...]:
    """Most first; the line is that of the commonest stack."""
    counts: Counter[tuple[str, str]] = Counter()
    commonest: dict[tuple[str, str], tuple[int, Frame, tuple[Frame, ...]]] = {}
    for frame, stack in placed:
        key = frame.name, frame.file
        counts[key] += stack.count
        if stack.count > commonest.get(key, (0,))[0]:
            commonest[key] = stack.count, frame, stack.frames
    return tuple(Group(commonest[key][1], count, commonest[key][2]) for key, count in counts.most_common())
