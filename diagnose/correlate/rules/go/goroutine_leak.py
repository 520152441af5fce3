"""Goroutines are started and never end.

Symptom: memory rises slowly, collections take longer from hour to hour; a restart helps.

Cause: each request or event starts a goroutine that waits for what never comes: a channel that nobody reads or
closes, a context that is not cancelled, a peer without a timeout.

Evidence: the number of goroutines grows all through the window and does not level off, and connections do not grow
with it (each open connection has its goroutine). Where profiles are read, what most of them were started with, and
where they wait.

Recommendation: the function that most of them were started with, and the line at which they wait; a context with a
deadline, a channel with a buffer or a second way out of its select.

Source: runtime.NumGoroutine; net/http/pprof (goroutine); a goroutine takes at least 2 KiB of stack
(runtime/stack.go).
"""

from __future__ import annotations

from collections.abc import Iterator

from diagnose.correlate.goframes import is_standard, place, short
from diagnose.correlate.growth import Growth
from diagnose.correlate.rule import (
    Code,
    Evidence,
    Impact,
    Inspect,
    Recommendation,
    RuledOut,
    Subject,
    Verdict,
    WillNotHelp,
    strength,
    supports_if,
)
from diagnose.correlate.signals.go_programs import GoProgram, GoPrograms
from diagnose.correlate.signals.goroutines import Goroutines, GoroutinesOf
from diagnose.correlate.words import duration, number, percent

EXPLAINS = ("go.gc_pressure", "memory.leak")

# goroutines more than when the window began; as many come and go with a burst of requests
LEAST, CLEAR = 50.0, 400.0
# of those that there were: a program with 100,000 for its connections has its ups and downs
GROWN = 0.2
# of steps that do not fall; of the earlier half's growth
STEADY, STILL = 0.8, 0.6
# of the growth: connections that grow as fast explain it
LOAD_SHARE = 0.5
# s; a program that starts opens its pools
LEAST_AGE_SECONDS = 40.0
# of all goroutines: then they are what grows
MOST = 0.3


def check(programs: GoPrograms, goroutines: Goroutines | None) -> list[Verdict]:
    """One verdict a program."""
    stacks = goroutines.by_pid if goroutines else {}
    return [_verdict(each, stacks.get(each.pid)) for each in programs.by_pid.values() if _leaks(each)]


def _leaks(program: GoProgram) -> bool:
    growth, before = program.goroutines_growth, (program.goroutines or 0.0) - program.goroutines_grown
    return (
        growth is not None
        and growth.low > 0
        and growth.steady >= STEADY
        and program.goroutines_grown >= max(LEAST, GROWN * before)
        and (program.goroutines_later or 0.0) >= STILL
        and (program.connections_per_second or 0.0) < LOAD_SHARE * growth.per_second
        and (program.age_seconds is None or program.age_seconds >= LEAST_AGE_SECONDS)
    )


def _verdict(program: GoProgram, stacks: GoroutinesOf | None) -> Verdict:
    subject, growth = Subject(program.service, program.pid), program.goroutines_growth
    assert growth is not None
    many = f"{number(program.goroutines or 0.0)} goroutines and {number(round(60 * growth.per_second))} more a minute"
    most = stacks.started[0] if stacks and stacks.started else None
    named = most is not None and stacks is not None and most.count >= MOST * stacks.seen
    where = f", most of them begun with {short(most.where)}" if named and most else ""
    return Verdict(
        subject=subject,
        headline=f"{subject.name} has {many}{where}",
        impact=Impact(
            0.15 if (program.goroutines or 0.0) < 10_000 else 0.4,
            growth.per_second,
            "1/s",
            "nothing fails yet; memory and the work of each collection grow until it is restarted",
        ),
        evidence=tuple(_evidence(program, growth, stacks)),
        ruled_out=tuple(_ruled_out(program)),
        recommendations=tuple(_recommendations(program, stacks, named)),
        will_not_help=(
            WillNotHelp("a higher memory limit", "they take any limit in time"),
            WillNotHelp("GOMAXPROCS", "goroutines that wait need no processor"),
        ),
        explains=EXPLAINS,
    )


def _evidence(program: GoProgram, growth: Growth, stacks: GoroutinesOf | None) -> Iterator[Evidence]:
    labels, metric = (("pid", str(program.pid)),), "go_goroutines"
    grown = program.goroutines_grown
    text = (
        f"{number(grown)} more goroutines than at the window's beginning, {number(round(growth.low, 2))} to "
        f"{number(round(growth.high, 2))} more a second"
    )
    clear = strength(grown, 0.0, CLEAR)
    yield Evidence("supports", "decides", text, metric, growth.per_second, "1/s", 0, "runtime", clear, labels)
    later = program.goroutines_later or 0.0
    text = (
        f"in the later half they grew {number(round(later, 2))} times as fast as in the earlier: it does "
        "not level off"
    )
    yield Evidence("supports", "separates", text, metric, later, "ratio", STILL, "", min(1.0, later), labels)
    connections = program.connections_per_second
    if connections is None:
        text = "whether connections grow as well was not read"
        yield Evidence("missing", "separates", text, "netstat_Tcp_CurrEstab")
    else:
        text = f"connections grow by {number(round(max(0.0, connections), 2))} a second: the load does not explain it"
        yield Evidence("supports", "separates", text, "netstat_Tcp_CurrEstab", connections, "1/s")
    if stacks and stacks.started:
        most = stacks.started[0]
        share, leaf = most.count / max(stacks.seen, 1), short(most.stack[-1])
        text = f"{percent(share)} of those seen were begun with {short(most.where)} and wait in {leaf}"
        kind = supports_if(share >= MOST)
        yield Evidence(
            kind, "corroborates", text, "", share, "ratio", MOST, "pprof", 1.0, labels, "goroutine"
        )


def _ruled_out(program: GoProgram) -> Iterator[RuledOut]:
    if program.connections_per_second is not None:
        yield RuledOut("app.connection_surge", "connections do not grow with them")


def _recommendations(
    program: GoProgram, stacks: GoroutinesOf | None, named: bool
) -> Iterator[Recommendation]:
    formula = f"{number(program.goroutines or 0.0)} goroutines"
    if named and stacks:
        most = stacks.started[0]
        where = place(most.where)
        own = next((frame for frame in reversed(most.stack) if not is_standard(frame)), most.where)
        what = (
            f"let it end: it waits at {place(own)}; give that a context with a deadline, a buffered "
            "channel or a "
            "second case of the select, and cancel it when who asked is gone"
        )
        yield Recommendation(Code(where, what), formula, "their number levels off", "low", restart="service")
    command = (
        f"curl -s 'http://localhost:PORT/debug/pprof/goroutine?debug=1' | head -40  # of pid {program.pid}"
    )
    purpose = "see the commonest stacks, with how long each goroutine has been waiting (debug=2)"
    inspect = Inspect(f"pid {program.pid}", purpose, command)
    age = f", {duration(program.age_seconds)} after its start" if program.age_seconds else ""
    yield Recommendation(inspect, f"{formula}{age}", "what they wait for", "none")
