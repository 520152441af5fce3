"""Windows of one Go program, made by hand: ten-second passes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from diagnose.correlate.samples import Frame, Profile, Samples, Stack
from tests.diagnose.correlate.windows import synthetic

SHOP = {"pid": "41", "service": "shop"}
STEPS = 8
ROOT, HANDLE = Frame("runtime.goexit", "asm.s", 1), Frame("main.handle", "/srv/shop/main.go", 62)
PARK = Frame("runtime.gopark", "proc.go", 363)
LOCKED = (
    Frame("main.reserve", "/srv/shop/main.go", 43),
    Frame("sync.(*Mutex).Lock", "mutex.go", 81),
    Frame("sync.(*Mutex).lockSlow", "mutex.go", 162),
    Frame("sync.runtime_SemacquireMutex", "sema.go", 77),
    PARK,
)
READS = (Frame("net.(*conn).Read", "net.go", 183), PARK)
NOTIFIED = (
    Frame("main.notify.func1", "/srv/shop/main.go", 52),
    Frame("runtime.chansend1", "chan.go", 145),
    PARK,
)


def goroutines(
    *stacks: tuple[Sequence[Frame], int], kind: str = "goroutine", seconds: float = 60.0
) -> Profile:
    """Frames below the goroutine's beginning, and how many."""
    found = tuple(Stack("", (ROOT, *frames), count) for frames, count in stacks)
    return Profile("shop", 41, kind, 1, seconds, found, native=True)


def window(
    gauges: Mapping[str, Sequence[float]],
    counters: Mapping[str, float] | None = None,
    facts: Mapping[str, str] | None = None,
    profiles: Sequence[Profile] = (),
    quota: tuple[str, float, float] | None = None,
    durations: Mapping[str, Sequence[tuple[Mapping[str, str], Sequence[Sequence[float]]]]] | None = None,
) -> Samples:
    """`counters` per second; `quota` is a group's path, its cores and for how long it held the service back."""
    readings = {metric: [(SHOP, list(values))] for metric, values in gauges.items()}
    for metric, rate in (counters or {}).items():
        readings[metric] = [(SHOP, [10 * rate] * STEPS)]
    if quota:
        path, cores, held = quota
        readings["cgroup_cpu_limit_cores"] = [({"cgroup": path}, [cores] * STEPS)]
        readings["cgroup_cpu_throttled_seconds_total"] = [({"cgroup": path}, [10 * held] * STEPS)]
    known = {"cpu.count": "8", **(facts or {})}
    return synthetic(readings, step=10.0, facts=known, profiles=profiles, durations=durations)
