"""What the CPU time of Go programs goes to, by their stacks: collecting garbage, allocating, and for whom."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from diagnose.correlate.goframes import is_standard, owner
from diagnose.correlate.samples import Frame, Profile, Samples, Stack

READS = ("process_info", "process_cpu_seconds_total")
PROFILES = ("cpu",)

RECENT_SECONDS = 60.0
# of their process; a collector that is short of CPU looks less often
THERE_SECONDS = 40.0
# runtime/mgc.go, mgcmark.go, mgcsweep.go: workers, help that allocations have to give, sweeping, beginning and end
_COLLECTING = (
    "runtime.gcBgMarkWorker",
    "runtime.gcAssistAlloc",
    "runtime.gcDrain",
    "runtime.gcStart",
    "runtime.gcMark",
    "runtime.bgsweep",
    "runtime.sweepone",
    "runtime.(*sweepLocked).sweep",
)
# net/http/transport.go: goroutines of its own open and close; who asked waits in getConn
_DIALLING = (
    "net/http.(*Transport).dialConn",
    "net/http.(*persistConn).close",
    "crypto/tls.(*Conn).clientHandshake",
    "net.(*Dialer).Dial",
)
_CALLING = ("net/http.(*Transport).RoundTrip", "net/http.(*Transport).roundTrip", "net/http.(*Client).Do")
_ALLOCATING = ("runtime.mallocgc", "runtime.growslice", "runtime.newobject")


@dataclass(frozen=True, slots=True)
class Site:
    """A function of the program's own, and how many samples were taken for what it asked for."""

    where: Frame
    count: int


@dataclass(frozen=True, slots=True)
class GoCpuOf:
    """One program: samples of its CPU time, those in the collector and those that open connections, and who allocates
    or calls other services, most first."""

    pid: int
    service: str
    samples: int
    collecting: int
    dialling: int
    callers: tuple[Site, ...]
    sites: tuple[Site, ...]
    cores: float


@dataclass(frozen=True, slots=True)
class GoCpu:
    """By pid, of Go programs whose stacks were sampled."""

    by_pid: Mapping[int, GoCpuOf]

    @classmethod
    def derive(cls, samples: Samples) -> GoCpu | None:
        begin_ns = samples.end_ns - int(RECENT_SECONDS * 1e9)
        cpu, found = samples.by_process("process_cpu_seconds_total"), {}
        for pid, profile in samples.profiles_of("cpu", native=True).items():
            cores = cpu[pid].per_second(begin_ns) if pid in cpu else None
            if cores is not None and samples.is_alive(pid, THERE_SECONDS):
                found[pid] = _program(profile, cores)
        return cls(found) if found else None


def _program(profile: Profile, cores: float) -> GoCpuOf:
    stacks = [stack for stack in profile.stacks if stack.frames]
    return GoCpuOf(
        pid=profile.pid,
        service=profile.service,
        samples=sum(stack.count for stack in stacks),
        collecting=sum(stack.count for stack in stacks if _is_in(stack, _COLLECTING)),
        dialling=sum(stack.count for stack in stacks if _is_in(stack, _DIALLING)),
        callers=_sites(stack for stack in stacks if _is_in(stack, _CALLING)),
        sites=_sites(stack for stack in stacks if _is_in(stack, _ALLOCATING)),
        cores=cores,
    )


def _is_in(stack: Stack, functions: tuple[str, ...]) -> bool:
    return any(frame.name.startswith(functions) for frame in stack.frames)


def _sites(stacks: Iterable[Stack]) -> tuple[Site, ...]:
    counts: Counter[Frame] = Counter()
    for stack in stacks:
        frame = owner(stack)
        if not is_standard(frame):
            counts[frame] += stack.count
    return tuple(Site(frame, count) for frame, count in counts.most_common())
