"""Every connection wakes all workers that wait for one, and all but one wake in vain.

Symptom: CPU time in the kernel and context switches that grow with the number of workers, not with the work; whoever
wakes first gets the connection.

Cause: several processes wait on one listener with an epoll (or select) of their own each, without EPOLLEXCLUSIVE: the
kernel wakes them all, one accepts, the others find nothing (EAGAIN) or go on sleeping. Processes that block in
accept() itself are woken one at a time.

Evidence: each of the workers is woken as often as connections come to all of them, and some of their accept() calls
find nothing. Workers that share the connections out are woken for their own only; a loop that accepts until there is
nothing more makes one such call for each connection, and is none.

Recommendation: EPOLLEXCLUSIVE where the program adds the listener to its epoll, or a listener for each worker
(SO_REUSEPORT); fewer workers.

Source: epoll_ctl(2) on EPOLLEXCLUSIVE (Linux 4.5), socket(7) on SO_REUSEPORT, accept(2); measured: 16 workers on one
listener at 120 connections/s, each woken 120 times a second.
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
    Verdict,
    WillNotHelp,
    strength,
)
from diagnose.correlate.signals.accepts import Accepts, AcceptsOf
from diagnose.correlate.words import number, percent

EXPLAINS: tuple[str, ...] = ()

# wakeups in vain for each connection; a loop that accepts until there is nothing more has one
IN_VAIN, CLEAR_IN_VAIN = 2.0, 5.0
# wakeups in vain a second; each costs about 10 µs: 2 ms of each second
RATE, CLEAR_RATE = 200.0, 1000.0
WAKEUP_SECONDS = 10e-6
# processes; two wake each other half the time, which nobody feels
LEAST_WORKERS = 3
# of the connections of all, how many wake the typical worker; where they are shared out it is one by their number
EACH_WOKEN, CLEAR_EACH_WOKEN = 0.6, 0.9
# calls that find nothing by those that find a connection: the race that only a herd runs
RACE = 0.2
# s; a burst at a start is over sooner
LEAST_SECONDS = 15.0
ATTEMPTS = "accept_attempts_total"


def check(accepts: Accepts) -> list[Verdict]:
    """One verdict a service."""
    return [_verdict(each) for each in accepts.by_service.values() if _is_herd(each)]


def _ratio(accepts: AcceptsOf) -> float:
    return accepts.in_vain / accepts.accepted if accepts.accepted else 0.0


def _each_woken(accepts: AcceptsOf) -> float:
    return (accepts.typically_woken or 0.0) / accepts.accepted


def _is_herd(accepts: AcceptsOf) -> bool:
    if (
        accepts.workers < LEAST_WORKERS
        or accepts.holders >= accepts.workers
        or accepts.seconds < LEAST_SECONDS
    ):
        return False
    often = accepts.in_vain >= RATE and _ratio(accepts) >= IN_VAIN
    race = accepts.nothing >= RACE * accepts.accepted
    return often and race and (not accepts.woken or _each_woken(accepts) >= EACH_WOKEN)


def _verdict(accepts: AcceptsOf) -> Verdict:
    cores = accepts.in_vain * WAKEUP_SECONDS
    listener = accepts.listeners[0] if len(accepts.listeners) == 1 else ""
    subject = Subject(accepts.service, accepts.pid, listener)
    text = (
        f"{number(accepts.in_vain)} wakeups/s for nothing: at about 10 µs each, {percent(cores)} of a core, and other "
        "threads interrupted as often"
    )
    return Verdict(
        subject=subject,
        headline=(
            f"each connection to {subject.name} wakes its {accepts.workers} workers: {number(_ratio(accepts))} wake in "
            "vain for one that gets it"
        ),
        impact=Impact(min(0.6, 0.1 + cores), accepts.in_vain, "wakeups/s", text),
        evidence=tuple(_evidence(accepts)),
        ruled_out=(
            RuledOut(
                "network.accept_queue_overflow", "connections are accepted as they come, by too many at once"
            ),
            RuledOut("network.reuseport_imbalance", "the workers share one listener"),
        ),
        recommendations=tuple(_recommendations(accepts)),
        will_not_help=(
            WillNotHelp("more workers", "each one more is woken for every connection"),
            WillNotHelp("a larger backlog", "the queue is empty: whoever comes is met by a crowd"),
        ),
        explains=EXPLAINS,
    )


def _evidence(accepts: AcceptsOf) -> Iterator[Evidence]:
    labels, ratio = (("service", accepts.service),), _ratio(accepts)
    text = (
        f"its processes were woken {number(accepts.in_vain)} times a second for nothing, at "
        f"{number(accepts.accepted)} connections/s"
    )
    clear = max(strength(ratio, IN_VAIN, CLEAR_IN_VAIN), strength(accepts.in_vain, RATE, CLEAR_RATE))
    yield Evidence("supports", "decides", text, ATTEMPTS, ratio, "ratio", IN_VAIN, "eBPF", clear, labels)
    metric = "process_context_switches_total"
    if accepts.woken:
        share, where = _each_woken(accepts), (*labels, ("type", "voluntary"))
        text = f"the typical one of {accepts.workers} is woken for {percent(min(1.0, share))} of the connections of all"
        clear = strength(share, EACH_WOKEN, CLEAR_EACH_WOKEN)
        yield Evidence(
            "supports", "separates", text, metric, share, "ratio", EACH_WOKEN, "/proc", clear, where
        )
    else:
        yield Evidence("missing", "separates", "how often each process is woken was not read", metric)
    race = accepts.nothing / accepts.accepted
    text = (
        f"{number(accepts.nothing)} calls of accept() a second found nothing, {number(accepts.accepted)} did"
    )
    found = (*labels, ("result", "nothing"))
    yield Evidence("supports", "separates", text, ATTEMPTS, race, "ratio", RACE, "eBPF", 1.0, found)
    text = f"{accepts.workers} processes share a listener"
    yield Evidence(
        "supports",
        "corroborates",
        text,
        "process_threads",
        accepts.workers,
        "processes",
        LEAST_WORKERS,
        "/proc",
        1.0,
        labels,
    )


def _recommendations(accepts: AcceptsOf) -> Iterator[Recommendation]:
    formula = (
        f"{number(_ratio(accepts))} wakeups in vain for each connection, {number(accepts.in_vain)} a second"
    )
    where = accepts.service or "the service"
    what = "add the listener to each worker's epoll with EPOLLEXCLUSIVE"
    expected = "one worker is woken for a connection"
    yield Recommendation(Code(where, what), formula, expected, "low", restart="service")
    what = "give each worker a listener of its own (SO_REUSEPORT; in nginx `reuseport`, in gunicorn --reuse-port)"
    risk = "the kernel deals connections out by lot: a slow worker's own queue waits for it"
    yield Recommendation(Code(where, what), formula, expected, "medium", risk, "service")
    pid = accepts.pid or "PID"
    inspect = Inspect(where, "see the calls in vain", f"strace -f -c -e trace=accept4,epoll_wait -p {pid}")
    yield Recommendation(inspect, formula, "errors of accept4 beside its successes", "none")
