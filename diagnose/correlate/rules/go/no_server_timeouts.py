"""A Go server keeps connections that say nothing for ever.

Symptom: open files, goroutines and memory rise day by day, though requests do not; after a restart it begins anew.

Cause: http.Server has no timeouts unless they are set: http.ListenAndServe and a Server without IdleTimeout and
ReadHeaderTimeout wait for the next request of each client as long as the client likes, and for one that is gone
without a word until TCP's keep-alive notices.

Evidence: goroutines grow with the connections, and most of them wait in net/http for the beginning of a request.
Those that are in a handler (long polls, streams) are at work and do not count; goroutines that grow by themselves are
a leak.

Recommendation: IdleTimeout and ReadHeaderTimeout, which close nothing that is in use.

Source: net/http.Server (ReadHeaderTimeout, IdleTimeout: zero means no timeout); Go issue 16100 on slow clients.
"""

from __future__ import annotations

from collections.abc import Iterator

from diagnose.correlate.rule import (
    Code,
    Evidence,
    Impact,
    Recommendation,
    RuledOut,
    Subject,
    Verdict,
    WillNotHelp,
    strength,
)
from diagnose.correlate.signals.go_programs import GoProgram, GoPrograms
from diagnose.correlate.signals.goroutines import Goroutines, GoroutinesOf
from diagnose.correlate.words import number, percent

EXPLAINS = ("limits.process_fds", "memory.leak")

# of all goroutines, waiting for a request to begin
IDLE, CLEAR_IDLE = 0.5, 0.8
# connections more than when the window began; pools of clients fill up to as many
LEAST, CLEAR = 50.0, 300.0
# of steps that do not fall; of the earlier half's growth
STEADY, STILL = 0.8, 0.6
# of the goroutines' growth, that connections have
WITH_CONNECTIONS = 0.5


def check(programs: GoPrograms, goroutines: Goroutines) -> list[Verdict]:
    """One verdict a program whose goroutines were looked at."""
    found = []
    for pid, stacks in goroutines.by_pid.items():
        program = programs.by_pid.get(pid)
        if program is not None and _piles_up(program, stacks):
            found.append(_verdict(program, stacks))
    return found


def _idle(stacks: GoroutinesOf) -> float:
    return stacks.awaiting_request / max(stacks.seen, 1)


def _piles_up(program: GoProgram, stacks: GoroutinesOf) -> bool:
    growth, connections = program.goroutines_growth, program.connections_per_second or 0.0
    return (
        growth is not None
        and growth.low > 0
        and growth.steady >= STEADY
        and program.goroutines_grown >= LEAST
        and (program.goroutines_later or 0.0) >= STILL
        and connections >= WITH_CONNECTIONS * growth.per_second
        and _idle(stacks) >= IDLE
    )


def _verdict(program: GoProgram, stacks: GoroutinesOf) -> Verdict:
    subject, growth = Subject(program.service, program.pid), program.goroutines_growth
    assert growth is not None
    idle = _idle(stacks) * (program.goroutines or 0.0)
    more = number(round(60 * growth.per_second))
    return Verdict(
        subject=subject,
        headline=f"{subject.name} keeps {number(round(idle))} connections that say nothing, and {more} more a minute",
        impact=Impact(
            0.15, idle, "connections", "nothing fails yet; its limit of open files is reached in time"
        ),
        evidence=tuple(_evidence(program, stacks)),
        ruled_out=(
            RuledOut("go.goroutine_leak", "connections grow as fast as goroutines do"),
            RuledOut("network.close_wait_leak", "the clients have not closed their ends"),
        ),
        recommendations=(
            Recommendation(
                Code(
                    f"{program.service}: its http.Server",
                    "http.Server{ReadHeaderTimeout: 5 * time.Second, IdleTimeout: 120 * time.Second} and its "
                    "ListenAndServe, instead of http.ListenAndServe; longer than the idle timeout of a proxy before it",
                ),
                f"{percent(_idle(stacks))} of its goroutines wait for a request to begin",
                "connections that are idle for two minutes are closed",
                "low",
                "clients that come back later connect anew",
                "service",
            ),
        ),
        will_not_help=(
            WillNotHelp("a higher limit of open files", "idle connections take any limit in time"),
            WillNotHelp(
                "net.ipv4.tcp_keepalive_time", "clients that are there answer, and say nothing all the same"
            ),
        ),
        explains=EXPLAINS,
    )


def _evidence(program: GoProgram, stacks: GoroutinesOf) -> Iterator[Evidence]:
    labels, idle, growth = (("pid", str(program.pid)),), _idle(stacks), program.goroutines_growth
    text = f"{percent(idle)} of its goroutines wait in net/http for a request to begin"
    clear = strength(idle, 0.0, CLEAR_IDLE)
    yield Evidence("supports", "decides", text, "", idle, "ratio", IDLE, "pprof", clear, labels, "goroutine")
    grown, connections = program.goroutines_grown, program.connections_per_second
    text = f"{number(grown)} more goroutines than at the window's beginning"
    clear, metric = strength(grown, 0.0, CLEAR), "go_goroutines"
    yield Evidence("supports", "decides", text, metric, grown, "goroutines", LEAST, "runtime", clear, labels)
    text = f"established connections grow by {number(round(connections or 0.0, 2))} a second"
    threshold = WITH_CONNECTIONS * (growth.per_second if growth else 0.0)
    metric = "netstat_Tcp_CurrEstab"
    yield Evidence("supports", "separates", text, metric, connections, "1/s", threshold)
