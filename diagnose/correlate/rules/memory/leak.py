"""A process's memory grows at an even load, and does not level off.

Symptom: memory rises from hour to hour; after days the service is killed, or the host swaps; a restart helps for a
while.

Cause: something is kept that nobody needs any more: a cache without a bound, a list of listeners or tasks that is
only added to, a reference cycle with a finaliser, a native buffer that is not freed.

Evidence: resident memory grows in the later half of the window as in the earlier one, while the load (CPU time) does
not. A cache that warms up grows more and more slowly, and a batch job that reads its data does not serve anybody:
neither is told within the first minutes.

Recommendation: two heap profiles some minutes apart, and what grew between them; the time until the limit of the
control group or the host is reached. A higher limit buys no more than the time that is computed here.

Source: proc_pid_stat(5) on rss; memory.max in Documentation/admin-guide/cgroup-v2.rst; slopes between halves of the
window as in Theil 1950.
"""

from __future__ import annotations

from collections.abc import Iterator

from diagnose.correlate.growth import Growth
from diagnose.correlate.rule import (
    Code,
    Evidence,
    Impact,
    Inspect,
    Recommendation,
    RuledOut,
    Subject,
    Unknown,
    Verdict,
    WillNotHelp,
    strength,
)
from diagnose.correlate.signals.cgroup_memory import CgroupMemory
from diagnose.correlate.signals.host_memory import HostMemory
from diagnose.correlate.signals.process_memory import MemoryOf, ProcessMemory
from diagnose.correlate.words import duration, number, percent, size

EXPLAINS = (
    "memory.cgroup_limit",
    "memory.direct_reclaim",
    "memory.oom_kill",
    "memory.swapping",
)

# of what the process had when the window began; allocators round up and free late by less
GROWN, CLEAR_GROWN = 0.10, 0.5
# bytes; as much comes and goes with a few requests in flight
LEAST_BYTES = 8 * 1024.0**2
# of the growth of the earlier half; a cache that misses less and less falls below it within minutes
STILL, CLEAR_STILL = 0.7, 0.9
# of steps that do not fall
STEADY = 0.7
# times the CPU time of the earlier half; above it the load grew, and with it what is in flight
LOAD_GREW = 1.5
# bytes that a connection may take, with its buffers and what a program keeps for it
A_CONNECTION = 128 * 1024.0
# s of even growth, and of age; what does not serve may be a job that reads its data in
SERVING_SECONDS, OTHERS_SECONDS = 40.0, 110.0
# s to the limit, for the impact: within minutes it is as good as there
URGENT_SECONDS, FAR_SECONDS = 600.0, 86_400.0


def check(memory: ProcessMemory, groups: CgroupMemory | None, host: HostMemory | None) -> list[Verdict]:
    """One verdict a process."""
    return [_verdict(each, groups, host) for each in memory.by_pid.values() if _leaks(each)]


def _leaks(process: MemoryOf) -> bool:
    before = process.bytes - process.grown_bytes
    least_seconds = SERVING_SECONDS if process.serves else OTHERS_SECONDS
    return (
        process.growth is not None
        and process.growth.low > 0
        and process.growth.steady >= STEADY
        and process.grown_bytes >= max(LEAST_BYTES, GROWN * before)
        and process.seconds >= least_seconds
        and (process.age_seconds is None or process.age_seconds >= least_seconds)
        and (process.later or 0.0) >= STILL
        and (process.load is None or process.load < LOAD_GREW)
        and process.growth.per_second > A_CONNECTION * process.connections_per_second
    )


def _verdict(process: MemoryOf, groups: CgroupMemory | None, host: HostMemory | None) -> Verdict:
    subject = Subject(process.service, process.pid)
    growth = process.growth
    assert growth is not None
    room, limit = _room(process, groups, host)
    ahead = f": {limit} is reached in {duration(room / growth.per_second)}" if room is not None else ""
    return Verdict(
        subject=subject,
        headline=f"{subject.name} grows by {size(60 * growth.per_second)} a minute{ahead}",
        impact=_impact(growth, room, limit),
        evidence=tuple(_evidence(process, growth)),
        ruled_out=(
            RuledOut("limits.process_fds", "memory is what grows here"),
            *((RuledOut("app.connection_surge", "it computes no more than before"),) if process.load else ()),
        ),
        recommendations=tuple(_recommendations(process, growth)),
        will_not_help=tuple(_will_not_help(growth, room)),
        unknown=() if room is not None else (Unknown("when it ends", "no limit of memory was read"),),
        explains=EXPLAINS,
    )


def _room(
    process: MemoryOf, groups: CgroupMemory | None, host: HostMemory | None
) -> tuple[float | None, str]:
    """Bytes until the nearest limit, and which that is."""
    rooms: list[tuple[float, str]] = []
    if host:
        rooms.append((host.available, "the host's memory"))
    for group in groups.groups if groups else ():
        if group.service and group.service == process.service and group.bound and not group.gone:
            rooms.append((max(0.0, group.bound - group.usage), f"the limit of {size(group.bound)}"))
    return min(rooms, default=(None, ""))


def _impact(growth: Growth, room: float | None, limit: str) -> Impact:
    if room is None:
        return Impact(0.1, growth.per_second, "B/s", "it grows, until something ends it")
    seconds = room / growth.per_second
    share = 0.5 if seconds <= URGENT_SECONDS else 0.1 if seconds <= FAR_SECONDS else 0.05
    text = f"nothing fails yet; {limit} is reached in {duration(seconds)}, and the process is killed then"
    return Impact(share, growth.per_second, "B/s", text)


def _evidence(process: MemoryOf, growth: Growth) -> Iterator[Evidence]:
    labels, metric = (("pid", str(process.pid)),), "process_resident_memory_bytes"
    share = process.grown_bytes / max(process.bytes - process.grown_bytes, 1.0)
    text = (
        f"resident memory grew by {size(process.grown_bytes)} ({percent(share)}) to {size(process.bytes)} in "
        f"{duration(process.seconds)}, {size(growth.low)} to {size(growth.high)} a second"
    )
    clear = strength(share, 0.0, CLEAR_GROWN)
    yield Evidence(
        "supports", "decides", text, metric, growth.per_second, "B/s", 0, "/proc/PID/stat", clear, labels
    )
    later = process.later or 0.0
    text = f"in the later half it grew {number(round(later, 2))} times as fast as in the earlier: it does not level off"
    clear = strength(later, STILL, CLEAR_STILL)
    yield Evidence("supports", "separates", text, metric, later, "ratio", STILL, "", clear, labels)
    if process.load is None:
        yield Evidence(
            "missing", "separates", "whether the load grew was not read", "process_cpu_seconds_total"
        )
    else:
        text = f"it uses {number(round(process.load, 2))} times the CPU time of before: the load does not explain it"
        metric = "process_cpu_seconds_total"
        yield Evidence("supports", "separates", text, metric, process.load, "ratio", LOAD_GREW, labels=labels)


def _recommendations(process: MemoryOf, growth: Growth) -> Iterator[Recommendation]:
    pid = process.pid
    command = f"grep -E 'RssAnon|RssFile|RssShmem' /proc/{pid}/status; pmap -x {pid} | sort -k3 -n | tail -5"
    inspect = Inspect(
        f"pid {pid}", "see whether it is the heap that grows, or files that are mapped", command
    )
    yield Recommendation(inspect, f"{size(process.bytes)} resident", "which kind of memory grows", "none")
    what = (
        "take two heap profiles ten minutes apart (tracemalloc or memray, Go's heap profile) and compare what is kept; "
        "give every cache a bound"
    )
    formula = f"{size(growth.per_second)} a second at an even load"
    change = Code(f"{process.service or pid}: what is kept from request to request", what)
    yield Recommendation(change, formula, "the curve levels off", "low", restart="service")


def _will_not_help(growth: Growth, room: float | None) -> Iterator[WillNotHelp]:
    if room is not None:
        reason = f"another GiB lasts {duration(1024**3 / growth.per_second)} at this pace"
        yield WillNotHelp("a higher limit, or more memory", reason)
    yield WillNotHelp("more swap", "what leaks is never used again, but it fills any swap as well")
