"""Connections wait at one of several listeners that share an address, while the others have nothing to do.

Symptom: some clients wait long or are refused, others are served at once, whatever the load.

Cause: with SO_REUSEPORT the kernel deals connections out by a hash of their addresses, and to a member that is slow or
stuck as many as to the others. What was dealt to it waits for it alone.

Evidence: the queue of one member, reading by reading, against those of the others. Queues that are long everywhere are
too few or too slow acceptors; unequal numbers of connections without anybody who waits harm nobody.

Recommendation: find what keeps that member's process (its own finding, if there is one, is the cause); equal work for
all, one member for each CPU with steering by CPU; one shared listener (EPOLLEXCLUSIVE) where work is unequal.

Source: socket(7) on SO_REUSEPORT, Linux net/core/sock_reuseport.c (reuseport_select_sock),
SO_ATTACH_REUSEPORT_EBPF and SO_INCOMING_CPU in socket(7).
"""

from __future__ import annotations

from collections.abc import Iterator

from diagnose.correlate.change import Code, Inspect
from diagnose.correlate.rule import (
    Evidence,
    Impact,
    Recommendation,
    RuledOut,
    Subject,
    Unknown,
    Verdict,
    WillNotHelp,
    strength,
    supports_if,
)
from diagnose.correlate.signals.listener_groups import ListenerGroup, ListenerGroups
from diagnose.correlate.words import number, percent

EXPLAINS = ("network.accept_queue_overflow",)

# connections that wait at one member, in each of the last two readings of ten seconds each
WAITING, CLEAR_WAITING = 5.0, 20.0
# by those at the typical other member, and one more
TIMES = 4.0
# of a fair share; a member that keeps up accepts what it is dealt, one that is dealt too much accepts more than others
FEW, MANY = 0.7, 1.5
QUEUE = "reuseport_member_queue_length"


def check(groups: ListenerGroups) -> list[Verdict]:
    """One verdict an address."""
    return [_verdict(group) for group in groups.groups if _is_uneven(group)]


def _is_uneven(group: ListenerGroup) -> bool:
    return group.worst.waiting >= WAITING and group.worst.waiting >= TIMES * (group.others_waiting + 1)


def _share(group: ListenerGroup) -> float | None:
    """Of a fair share of what all accepted, what the worst member did."""
    if group.worst.accepted is None or not group.accepted:
        return None
    return group.worst.accepted * len(group.members) / group.accepted


def _verdict(group: ListenerGroup) -> Verdict:
    worst, count = group.worst, len(group.members)
    subject = Subject(worst.service, worst.pid, group.listener, group.netns)
    others = number(group.others_waiting)
    lost = f", and {number(worst.dropped)} were dropped" if worst.dropped else ""
    return Verdict(
        subject=subject,
        headline=(
            f"{number(worst.waiting)} connections wait at one of {count} listeners on {group.listener}, that of "
            f"{subject.name}, and {others} at the typical other"
        ),
        impact=Impact(
            1 / count,
            worst.waiting,
            "connections waiting",
            f"one in {count} clients waits for this one{lost}",
        ),
        evidence=tuple(_evidence(group)),
        ruled_out=(
            RuledOut("network.accept_queue_overflow", f"the other members have room: {others} wait there"),
        ),
        recommendations=tuple(_recommendations(group)),
        will_not_help=(
            WillNotHelp("a larger backlog", "more connections would wait for the one that does not come"),
            WillNotHelp("more members", "the slow one goes on to be dealt its share"),
        ),
        unknown=(Unknown("what keeps it", "a finding about its process says so, where there is one"),),
        explains=EXPLAINS,
    )


def _evidence(group: ListenerGroup) -> Iterator[Evidence]:
    worst, labels = group.worst, (("listener", group.listener), ("member", group.worst.member))
    text = f"{number(worst.waiting)} waited at the least in the last readings"
    clear = strength(worst.waiting, WAITING, CLEAR_WAITING)
    yield Evidence(
        "supports", "decides", text, QUEUE, worst.waiting, "connections", WAITING, "inet_diag", clear, labels
    )
    others, everybody = group.others_waiting, (("listener", group.listener),)
    text = f"at the typical one of the other {len(group.members) - 1} it was {number(others)}"
    yield Evidence(
        "supports", "separates", text, QUEUE, others, "connections", None, "inet_diag", 1.0, everybody
    )
    share, metric = _share(group), "reuseport_member_accepts_total"
    if share is None:
        yield Evidence("missing", "corroborates", "what each member accepts was not counted", metric)
        return
    text = f"it accepted {percent(share)} of a fair share"
    kind = supports_if(share <= FEW or share >= MANY)
    yield Evidence(kind, "corroborates", text, metric, share, "ratio", FEW, "eBPF", 1.0, labels)


def _recommendations(group: ListenerGroup) -> Iterator[Recommendation]:
    worst = group.worst
    where = worst.service or group.listener
    formula = f"{number(worst.waiting)} wait there, {number(group.others_waiting)} at the others"
    pid = worst.pid or "PID"
    inspect = Inspect(
        where, "see what that process does", f"py-spy dump --pid {pid}  # or: cat /proc/{pid}/stack"
    )
    yield Recommendation(inspect, formula, "one long handler, a lock, or a CPU it does not get", "none")
    what = "take long work off the thread that accepts, so that all members are equally fast"
    yield Recommendation(Code(where, what), formula, "their queues are alike", "medium", restart="service")
    what = "share one listener (EPOLLEXCLUSIVE) instead: whoever is free takes the next connection"
    risk = "connections may crowd at few workers while the load is low"
    yield Recommendation(
        Code(where, what), formula, "nobody waits while one is free", "medium", risk, "service"
    )
