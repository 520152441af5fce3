"""Goroutines of a Go program stand in line at one lock.

Symptom: requests queue while CPUs are idle; more processors or replicas of the goroutine pool change nothing.

Cause: all requests pass through one critical section, and what is done in it takes long: a call to a peer or a file,
or much computing, with the lock held.

Evidence: most goroutines that were seen wait in Lock or RLock under one call site, and there are several of them at a
time. Where the program counts it (runtime.SetMutexProfileFraction), the holders that others waited for, in seconds.

Recommendation: the line that waits, and the holder by name: do less with the lock held, split the lock, or hand out
copies (sync.Map, atomic.Value).

Source: net/http/pprof (goroutine, mutex); sync/mutex.go (starvation mode after 1 ms).
"""

from __future__ import annotations

from collections.abc import Iterator

from diagnose.correlate.goframes import place, short
from diagnose.correlate.rule import (
    Code,
    Evidence,
    Impact,
    Recommendation,
    RuledOut,
    Subject,
    Unknown,
    Verdict,
    WillNotHelp,
    strength,
)
from diagnose.correlate.signals.go_programs import GoProgram, GoPrograms
from diagnose.correlate.signals.goroutines import Goroutines, GoroutinesOf, Group
from diagnose.correlate.words import number, percent

EXPLAINS = ("app.acceptor_stalled", "go.goroutine_leak", "network.accept_queue_overflow")

# of all goroutines, at locks
SHARE, CLEAR_SHARE = 0.2, 0.6
# goroutines at one lock, on average; two or three meet now and then
WAITING, CLEAR_WAITING = 4.0, 15.0
# of those at locks, under one call site
ONE_SITE = 0.5


def check(programs: GoPrograms, goroutines: Goroutines) -> list[Verdict]:
    """One verdict a program whose goroutines were looked at."""
    found = []
    for pid, stacks in goroutines.by_pid.items():
        program = programs.by_pid.get(pid)
        if program is not None and stacks.at_locks and _stands(program, stacks):
            found.append(_verdict(program, stacks))
    return found


def _at_locks(stacks: GoroutinesOf) -> float:
    """Their share of all."""
    return sum(group.count for group in stacks.at_locks) / max(stacks.seen, 1)


def _waiting(program: GoProgram, stacks: GoroutinesOf) -> float:
    """Of how many there are now, those at locks."""
    return _at_locks(stacks) * (program.goroutines or 0.0)


def _stands(program: GoProgram, stacks: GoroutinesOf) -> bool:
    total = sum(group.count for group in stacks.at_locks)
    one_site = stacks.at_locks[0].count >= ONE_SITE * total
    return _at_locks(stacks) >= SHARE and _waiting(program, stacks) >= WAITING and one_site


def _verdict(program: GoProgram, stacks: GoroutinesOf) -> Verdict:
    subject, site = Subject(program.service, program.pid), stacks.at_locks[0]
    waiting, share = _waiting(program, stacks), _at_locks(stacks)
    return Verdict(
        subject=subject,
        headline=(
            f"{number(round(waiting))} goroutines of {subject.name} wait for one lock in {short(site.where)}"
        ),
        impact=Impact(
            min(0.9, share),
            waiting,
            "goroutines",
            f"{percent(share)} of its goroutines stand in line instead of working",
        ),
        evidence=tuple(_evidence(program, stacks, site)),
        ruled_out=(
            RuledOut("app.slow_dependency", "they wait for one another, not for a peer"),
            *(
                (RuledOut("cpu.saturation", f"it uses {number(round(program.cores, 2))} cores"),)
                if program.cores
                else ()
            ),
        ),
        recommendations=tuple(_recommendations(stacks, site, waiting)),
        will_not_help=(
            WillNotHelp("a higher GOMAXPROCS", "one goroutine at a time has the lock"),
            WillNotHelp("more goroutines", "they stand in the same line"),
        ),
        unknown=()
        if stacks.lock_holders
        else (Unknown("who holds the lock", "the program does not call runtime.SetMutexProfileFraction"),),
        explains=EXPLAINS,
    )


def _evidence(program: GoProgram, stacks: GoroutinesOf, site: Group) -> Iterator[Evidence]:
    labels, share, waiting = (("pid", str(program.pid)),), _at_locks(stacks), _waiting(program, stacks)
    text = f"{percent(share)} of the goroutines that were seen wait in a lock, {number(round(waiting))} at a time"
    clear = min(strength(share, 0.0, CLEAR_SHARE), strength(waiting, 0.0, CLEAR_WAITING))
    yield Evidence(
        "supports", "decides", text, "", waiting, "goroutines", WAITING, "pprof", clear, labels, "goroutine"
    )
    total = sum(group.count for group in stacks.at_locks)
    text = f"{percent(site.count / total)} of them under {place(site.where)}"
    yield Evidence(
        "supports",
        "separates",
        text,
        "",
        site.count / total,
        "ratio",
        ONE_SITE,
        "pprof",
        1.0,
        labels,
        "goroutine",
    )
    if stacks.lock_seconds is not None and stacks.lock_holders:
        holder = place(stacks.lock_holders[0].where)
        text = f"others waited {number(round(stacks.lock_seconds, 1))} s in each second, most for {holder}"
        yield Evidence(
            "supports", "corroborates", text, "", stacks.lock_seconds, "s/s", labels=labels, profile="mutex"
        )


def _recommendations(stacks: GoroutinesOf, site: Group, waiting: float) -> Iterator[Recommendation]:
    held = stacks.lock_holders[0].where if stacks.lock_holders else site.where
    what = (
        "do less with the lock held: take what is needed and unlock before calls, files and long loops; "
        "or one lock for "
        "each part of the data (shards), or copies that readers may have without it"
    )
    formula = f"{number(round(waiting))} goroutines wait at {short(site.where)}"
    yield Recommendation(Code(place(held), what), formula, "the line is gone", "medium", restart="service")
