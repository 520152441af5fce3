"""The host swaps pages out and in again: what runs needs more memory than there is.

Symptom: everything is slow at times, also what only reads its own memory; the disk is busy; latency jumps by the time
of a disk's read.

Cause: the pages that are worked with do not fit into memory. Each that is touched is read back from swap, and another
goes for it.

Evidence: pages swapped in *and* out, in the window, with faults that wait for the disk. Full swap by itself is
harmless: pages that nobody has touched for days lie there, and nothing moves.

Recommendation: who has most in swap and faults most, and what it costs to keep it in memory. vm.swappiness only
weighs program memory against page cache; it makes no room.

Source: Linux mm/swap_state.c, Documentation/admin-guide/sysctl/vm.rst (swappiness: 0–200 since 5.8); measured: 9,100
pages/s each way, p50 0.4 → 5.1 ms.
"""

from __future__ import annotations

from collections.abc import Iterator

from diagnose.correlate.rule import (
    Code,
    Evidence,
    Impact,
    Inspect,
    MemoryLimit,
    Recommendation,
    RuledOut,
    Subject,
    Verdict,
    WillNotHelp,
    strength,
    supports_if,
)
from diagnose.correlate.signals.cgroup_memory import CgroupMemory, GroupMemory
from diagnose.correlate.signals.host_memory import HostMemory
from diagnose.correlate.signals.process_swap import ProcessSwap, SwapOf
from diagnose.correlate.words import number, size

EXPLAINS = ("app.acceptor_stalled", "app.slow_reader", "disk.saturation", "network.accept_queue_overflow")

# pages/s each way; less is the kernel tidying up
TRAFFIC, CLEAR_TRAFFIC = 100.0, 2000.0
# of its limit, that a group has
AT_LIMIT = 0.9
# s that a page takes to come back from a fast disk
READ_SECONDS = 1e-4


def check(host: HostMemory, processes: ProcessSwap | None, groups: CgroupMemory | None) -> list[Verdict]:
    """One verdict a host; it names the process that waits most, and the group whose limit is what it lacks."""
    there = min(host.rate("pswpin"), host.rate("pswpout"))
    if there < TRAFFIC:
        return []
    full = (each for each in groups.groups if _is_full(each)) if groups else iter(())
    group = max(full, key=lambda each: each.refaults or 0.0, default=None)
    return [_verdict(host, there, processes.worst if processes else None, group)]


def _is_full(group: GroupMemory) -> bool:
    """It has what it may have, and wants what it had."""
    at_limit = group.bound is not None and group.usage >= AT_LIMIT * group.bound
    return at_limit and not group.gone and (group.refaults or 0.0) >= TRAFFIC


def _verdict(host: HostMemory, there: float, worst: SwapOf | None, group: GroupMemory | None) -> Verdict:
    subject = Subject(worst.service, worst.pid) if worst else Subject()
    if group and not worst:
        subject = Subject(group.service, cgroup=group.cgroup)
    who = f"{subject.name if worst else group.service or group.cgroup if group else 'the host'} works"
    pages_in = host.rate("pswpin")
    limit = f", as its group may have {size(group.bound)}" if group and group.bound else ""
    return Verdict(
        subject=subject,
        headline=f"{who} in swap: {number(round(pages_in))} pages/s come back and others go{limit}",
        impact=Impact(
            min(0.9, pages_in * READ_SECONDS),
            pages_in,
            "pages/s",
            f"{number(round(pages_in))} times a second some thread waits for the disk to have its own memory back",
        ),
        evidence=tuple(_evidence(host, there, worst)),
        ruled_out=(RuledOut("disk.saturation", "the disk is busy with what should be in memory"),),
        recommendations=tuple(_recommendations(host, worst, group)),
        will_not_help=(
            WillNotHelp("vm.swappiness=0", "program memory that does not fit has no other place to go to"),
            WillNotHelp("more swap", "it is the traffic that hurts, not the room"),
        ),
        explains=EXPLAINS,
    )


def _evidence(host: HostMemory, there: float, worst: SwapOf | None) -> Iterator[Evidence]:
    ways = {"pswpin": "came back from swap", "pswpout": "went to swap"}
    for name, what in ways.items():
        rate = host.rate(name)
        clear = strength(there, TRAFFIC, CLEAR_TRAFFIC)
        text, metric = f"{number(round(rate))} pages a second {what}", f"vmstat_{name}"
        yield Evidence("supports", "decides", text, metric, rate, "pages/s", TRAFFIC, "/proc/vmstat", clear)
    faults = host.rate("pgmajfault")
    text = f"{number(round(faults))} faults a second had to read from disk"
    kind = supports_if(faults >= TRAFFIC / 2)
    yield Evidence(kind, "separates", text, "vmstat_pgmajfault", faults, "1/s", TRAFFIC / 2, "/proc/vmstat")
    if worst:
        text = (
            f"{size(worst.swap_bytes)} of this process are in swap, {number(round(worst.major_faults))} "
            "faults a second"
        )
        labels = (("pid", str(worst.pid)),)
        metric = "process_major_faults_total"
        yield Evidence("supports", "corroborates", text, metric, worst.major_faults, "1/s", labels=labels)


def _recommendations(
    host: HostMemory, worst: SwapOf | None, group: GroupMemory | None
) -> Iterator[Recommendation]:
    if group and group.bound and host.available > group.bound:
        proposed = 2 * group.bound
        formula = f"twice the {size(group.bound)} that are full; the host has {size(host.available)} left"
        limit = MemoryLimit(group.service, group.cgroup, round(group.bound), round(proposed))
        yield Recommendation(limit, formula, "what it works with fits", "low", "others get less memory")
    command = "grep VmSwap /proc/[0-9]*/status | sort -k2 -n | tail -5"
    inspect = Inspect("this host", "see who has how much in swap", command)
    yield Recommendation(inspect, f"{size(host.swap_used)} in swap", "who works in swap", "none")
    if worst:
        what = "give it memory: fewer workers, smaller caches, another host for what stands beside it"
        formula = f"{size(worst.swap_bytes)} of it are in swap and asked for"
        change = Code(worst.service or f"pid {worst.pid}", what)
        yield Recommendation(
            change, formula, "pages that are worked with stay in memory", "medium", restart="service"
        )
