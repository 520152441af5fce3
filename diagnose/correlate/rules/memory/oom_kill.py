"""The kernel killed a process for want of memory.

Symptom: a process is gone without a word in its log, or restarts; its clients see connections break off.

Cause: a control group reached its limit, or the host ran out, and nothing was left that could be reclaimed. Then the
kernel kills the process with most memory, which need not be the one that grew.

Evidence: the kernel's own count of kills, in the window; the group that it happened in, its limit and how its memory
grew before. A count that is old proves nothing and is not looked at.

Recommendation: a limit with room above the measured peak where the need is real; the leak where it grows without end.
Which of the two it is, the growth before tells.

Source: Linux mm/oom_kill.c; memory.events in Documentation/admin-guide/cgroup-v2.rst, memory.oom_control in v1;
proc(5) on /proc/vmstat (oom_kill, since 4.13).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from diagnose.correlate.rule import (
    Code,
    Evidence,
    Impact,
    Inspect,
    MemoryLimit,
    Recommendation,
    RuledOut,
    Subject,
    Unknown,
    Verdict,
    WillNotHelp,
    strength,
)
from diagnose.correlate.signals.cgroup_memory import CgroupMemory, GroupMemory
from diagnose.correlate.signals.host_memory import HostMemory
from diagnose.correlate.signals.oom_kills import OomKills, Victim
from diagnose.correlate.words import number, percent, size

EXPLAINS = ("memory.cgroup_limit", "memory.direct_reclaim", "network.connection_resets")

# of the limit that was reached: room for what is in flight besides the steady need
ROOM = 1.5
# of the limit, in the readings before: the kernel kills at all of it, which no reading every ten seconds sees
NEAR_LIMIT, AT_LIMIT = 0.5, 0.9
# of memory; with more left to programs it was some group that ran out, whose limit nobody reads
LITTLE = 0.1


def check(host: HostMemory, groups: CgroupMemory | None, kills: OomKills | None) -> list[Verdict]:
    """One verdict a group whose limit was reached, and one for the host where it ran out."""
    victims = kills.victims if kills else ()
    read = {each.cgroup: each for each in groups.groups} if groups else {}
    limited = {each.cgroup: each for each in victims if each.limited and each.cgroup}
    names = [name for name, group in read.items() if group.kills or name in limited]
    names += [name for name in limited if name not in read]
    found = [_of_group(name, read.get(name), limited.get(name)) for name in names]
    ended = [each for each in victims if not each.limited]
    if ended:
        found.append(_of_host(host, ended, sum(each.kills for each in ended)))
    elif not victims and (rest := _unexplained(host, read)) > 0:
        found.append(_of_host(host, (), rest))
    return found


def _unexplained(host: HostMemory, read: dict[str, GroupMemory]) -> float:
    """Kills that no group counted, if the host was short of memory."""
    short = host.least_available <= LITTLE * host.total
    return (host.kills or 0.0) - sum(each.kills for each in read.values()) if short else 0.0


def _of_group(cgroup: str, group: GroupMemory | None, victim: Victim | None) -> Verdict:
    service = (victim.service if victim else "") or (group.service if group else "")
    kills = max(group.kills if group else 0.0, victim.kills if victim else 0.0)
    limit = group.limit if group else None
    text = f" of {size(limit)}" if limit else ""
    who = f"{victim.name} (pid {victim.pid})" if victim and kills == 1 else _times(kills)
    return Verdict(
        subject=Subject(service, cgroup=cgroup),
        headline=f"the kernel killed {who} of {service or cgroup}: its memory limit{text} was reached",
        impact=_impact(kills),
        evidence=tuple(_evidence(cgroup, group, victim)),
        ruled_out=(RuledOut("app.crash_loop", "the kernel ended it, it did not exit by itself"),),
        recommendations=tuple(_recommendations(service, cgroup, limit)),
        will_not_help=(
            WillNotHelp("more memory in the host", "the group's limit is what was reached"),
            WillNotHelp("a lower oom_score_adj", "in a group with one service there is no one else to kill"),
        ),
        unknown=() if limit else (Unknown("the limit", "it was not read, or is of a group above"),),
        explains=EXPLAINS,
    )


def _of_host(host: HostMemory, victims: Sequence[Victim], kills: float) -> Verdict:
    most = max(victims, key=lambda each: each.resident_bytes or 0.0, default=None)
    who = f"{most.name} (pid {most.pid})" if most and kills == 1 else _times(kills)
    available = f"as little as {size(host.least_available)} of {size(host.total)} were available"
    purpose = "see who was killed, and how much each process had then"
    inspect = Inspect("the kernel's log", purpose, "dmesg -T | grep -A40 'invoked oom-killer' | tail -60")
    what = "give it a limit of its own (MemoryMax=), so that it takes no other down"
    limit = Code(most.service if most else "the service that uses most", what)
    return Verdict(
        subject=Subject(most.service, most.pid) if most else Subject(),
        headline=f"the kernel killed {who} because the host ran out of memory",
        impact=_impact(kills),
        evidence=tuple(_evidence_of_host(host, most, kills, available)),
        recommendations=(
            Recommendation(inspect, f"{number(kills)} kills", "who used the memory", "none"),
            Recommendation(
                limit, available, "only the one that grows is killed", "medium", "at its limit", "service"
            ),
        ),
        will_not_help=(
            WillNotHelp("vm.overcommit_memory=2", "programs that reserve more than they use fail then"),
        ),
        unknown=() if most else (Unknown("which process", "the kernel's log may not be read"),),
        explains=EXPLAINS,
    )


def _times(kills: float) -> str:
    return "a process" if kills == 1 else f"{number(kills)} processes"


def _impact(kills: float) -> Impact:
    return Impact(0.8, kills, "kills", "all requests in flight were lost, and those until it is up again")


def _evidence(cgroup: str, group: GroupMemory | None, victim: Victim | None) -> Iterator[Evidence]:
    labels = (("cgroup", cgroup),)
    if group and group.kills:
        text, metric = (
            f"{number(group.kills)} kills in this group in the window",
            "cgroup_memory_events_total",
        )
        source = "memory.events, memory.oom_control"
        events = (*labels, ("event", "oom_kill"))
        yield Evidence("supports", "decides", text, metric, group.kills, "kills", 0, source, labels=events)
    if victim:
        had = f" with {size(victim.resident_bytes)}" if victim.resident_bytes else ""
        text, metric = (
            f"the kernel's log: {victim.name} (pid {victim.pid}){had}, its group's limit",
            "oom_kills_total",
        )
        yield Evidence(
            "supports", "decides", text, metric, victim.kills, "kills", 0, "/dev/kmsg", labels=labels
        )
    metric = "cgroup_memory_usage_bytes"
    if not group or not group.limit:
        yield Evidence("missing", "separates", "the limit that was reached was not read", metric)
        return
    share = group.peak / group.limit
    text = f"readings before had up to {size(group.peak)} of {size(group.limit)} ({percent(share)})"
    clear = strength(share, NEAR_LIMIT, AT_LIMIT)
    yield Evidence("supports", "separates", text, metric, group.peak, "B", group.limit, "", clear, labels)


def _evidence_of_host(
    host: HostMemory, victim: Victim | None, kills: float, available: str
) -> Iterator[Evidence]:
    if victim:
        text = f"the kernel's log: {victim.name} (pid {victim.pid}), no group's limit was the reason"
        yield Evidence("supports", "decides", text, "oom_kills_total", kills, "kills", 0, "/dev/kmsg")
    else:
        text = f"{number(kills)} processes were killed, and no group that is read was the reason"
        yield Evidence("supports", "decides", text, "vmstat_oom_kill", kills, "kills", 0, "/proc/vmstat", 0.7)
    metric = "memory_MemAvailable_bytes"
    clear = strength(host.least_available, 2 * LITTLE * host.total, 0.0)
    yield Evidence("supports", "separates", available, metric, host.least_available, "B", strength=clear)


def _recommendations(name: str, cgroup: str, limit: float | None) -> Iterator[Recommendation]:
    reached = f"killed at {size(limit)}" if limit else "killed at its limit"
    if limit:
        proposed = ROOM * limit
        formula = f"{number(ROOM)} times the {size(limit)} that were reached"
        change = MemoryLimit(name, cgroup, round(limit), round(proposed))
        expected = "no kill, where the need is real; a leak only takes longer"
        yield Recommendation(change, formula, expected, "medium", "others get less memory")
    what = "if its memory grows without end, find what it keeps: two heap profiles some minutes apart"
    yield Recommendation(
        Code(name or cgroup, what), reached, "the curve levels off", "low", restart="service"
    )
