"""A control group's memory limit is too small: pages that its service needs go, and are read again.

Symptom: everything is slow and waits for the disk, while the host has memory to spare and PSI says little about
memory.

Cause: the group is at its limit, so that the kernel takes away pages (of programs and of files, or to swap) that the
service needs again at once. Each comes back with a read of the disk.

Evidence: refaults, pages that were needed again soon after they were reclaimed, with the group at its limit. Being at
the limit is no evidence by itself: a group that reads many files fills it with page cache that nobody misses.

Recommendation: a limit with room for what is read again. Throughput of the disk is not the problem, though the disk
is what looks busy (in a measured case memory's PSI was 4 % and that of I/O 60 %).

Source: Linux mm/workingset.c; memory.stat (workingset_refault), memory.high and memory.max in
Documentation/admin-guide/cgroup-v2.rst; measured: reads 115 → 29,875 a second.
"""

from __future__ import annotations

from collections.abc import Iterator

from diagnose.correlate.rule import (
    Code,
    Evidence,
    Impact,
    MemoryLimit,
    Recommendation,
    RuledOut,
    Subject,
    Verdict,
    WillNotHelp,
    strength,
)
from diagnose.correlate.signals.cgroup_memory import CgroupMemory, GroupMemory
from diagnose.correlate.signals.host_memory import HostMemory
from diagnose.correlate.words import number, percent, size

EXPLAINS = ("app.acceptor_stalled", "app.slow_reader", "disk.saturation", "network.accept_queue_overflow")

# pages/s; each costs a read, 100 µs on a fast disk: 2 % of a thread's time, and all of it at the second figure
REFAULTS, CLEAR_REFAULTS = 200.0, 5000.0
# of the limit
AT_LIMIT = 0.9
# of the pages that come back, from swap
SWAPPED = 0.5
PAGE_BYTES = 4096
# s that a page takes to come back, for the impact: a fast disk's read
READ_SECONDS = 1e-4
# of the limit; what is read again in ten seconds is what was lacking, bounded by that
LACKING_SECONDS, MOST = 10.0, 3.0


def check(memory: CgroupMemory, host: HostMemory | None) -> list[Verdict]:
    """One verdict a group."""
    return [_verdict(each, host) for each in memory.groups if _thrashes(each) and not _swaps(each, host)]


def _swaps(group: GroupMemory, host: HostMemory | None) -> bool:
    """Then it is its own memory that it reads again, which is told as that."""
    return host is not None and host.rate("pswpin") >= SWAPPED * (group.refaults or 0.0)


def _thrashes(group: GroupMemory) -> bool:
    return (
        group.bound is not None
        and not group.gone
        and group.usage >= AT_LIMIT * group.bound
        and (group.refaults or 0.0) >= REFAULTS
    )


def _verdict(group: GroupMemory, host: HostMemory | None) -> Verdict:
    bound, refaults = group.bound or 0.0, group.refaults or 0.0
    name = group.service or group.cgroup
    spare = host is not None and host.available > bound
    return Verdict(
        subject=Subject(group.service, cgroup=group.cgroup),
        headline=f"{name} reads {number(round(refaults))} pages/s again that its limit of {size(bound)} took away",
        impact=Impact(
            min(0.9, refaults * READ_SECONDS),
            refaults,
            "pages/s",
            f"{number(round(refaults))} times a second some thread waits for the disk for what it just had",
        ),
        evidence=tuple(_evidence(group, bound, refaults)),
        ruled_out=(
            *(
                (RuledOut("memory.direct_reclaim", f"the host has {size(host.available)} left"),)
                if host and spare
                else ()
            ),
            RuledOut("disk.saturation", "the reads are of pages that were in memory a moment ago"),
        ),
        recommendations=tuple(_recommendations(group, bound, refaults, name)),
        will_not_help=(
            WillNotHelp("a faster disk", "it shortens each wait, and leaves their number"),
            WillNotHelp("vm.swappiness", "it shifts which pages go, not how many are lacking"),
            *((WillNotHelp("more memory in the host", "the group's limit binds"),) if spare else ()),
        ),
        explains=EXPLAINS,
    )


def _evidence(group: GroupMemory, bound: float, refaults: float) -> Iterator[Evidence]:
    labels = (("cgroup", group.cgroup),)
    text = f"{number(round(refaults))} pages a second were needed again soon after they were taken away"
    clear = strength(refaults, REFAULTS, CLEAR_REFAULTS)
    metric = "cgroup_memory_refaults_total"
    yield Evidence(
        "supports", "decides", text, metric, refaults, "pages/s", REFAULTS, "memory.stat", clear, labels
    )
    share = group.usage / bound
    text = f"the group has {size(group.usage)} of {size(bound)} ({percent(share)})"
    metric = "cgroup_memory_usage_bytes"
    yield Evidence("supports", "separates", text, metric, share, "ratio", AT_LIMIT, "memory.max", 1.0, labels)
    if group.met_limit:
        text = f"the limit was met {number(round(group.met_limit))} times a second"
        metric = "cgroup_memory_events_total"
        yield Evidence("supports", "corroborates", text, metric, group.met_limit, "1/s", labels=labels)
    if group.major_faults:
        text = f"{number(round(group.major_faults))} faults a second had to read from disk"
        metric = "cgroup_memory_major_faults_total"
        yield Evidence("supports", "corroborates", text, metric, group.major_faults, "1/s", labels=labels)


def _recommendations(
    group: GroupMemory, bound: float, refaults: float, name: str
) -> Iterator[Recommendation]:
    lacking = min(LACKING_SECONDS * refaults * PAGE_BYTES, (MOST - 1) * bound)
    proposed = bound + lacking
    formula = f"{size(bound)} and the {size(lacking)} that are read again within {number(LACKING_SECONDS)} s"
    change = MemoryLimit(group.service, group.cgroup, round(bound), round(proposed))
    yield Recommendation(change, formula, "hardly any refaults", "low", "others get less memory")
    what = "work with less at a time: smaller caches, a stream instead of the whole file, an index instead of a scan"
    yield Recommendation(Code(name, what), formula, "what it works with fits", "medium", restart="service")
