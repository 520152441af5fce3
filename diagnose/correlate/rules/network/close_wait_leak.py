"""A process does not close connections that their clients have closed.

Symptom: connections in CLOSE_WAIT that become ever more; in the end descriptors run out and nothing is accepted any
more.

Cause: the peer closed its end, the kernel told the process so (a read of 0 bytes), and the process never calls
close(): an error path without it, a pool that does not check what it keeps, a thread that waits for something else.

Evidence: connections in CLOSE_WAIT of one process that only become more, and the oldest has been so for long. Closing
takes a moment, and a burst of closes passes: neither grows.

Recommendation: close() on every path; the process is named, and where it has a profile its code is a click away. No
kernel setting ends CLOSE_WAIT: the kernel waits for the program, for ever.

Source: RFC 9293 (3.3.2, CLOSE-WAIT), Linux net/ipv4/tcp.c (tcp_close); tcp_fin_timeout and keep-alive concern other
states.
"""

from __future__ import annotations

from collections.abc import Iterator

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
from diagnose.correlate.signals.close_waits import CloseWait, CloseWaits
from diagnose.correlate.signals.process_files import ProcessFiles
from diagnose.correlate.words import duration, number, percent

EXPLAINS = (
    "limits.process_fds",
    "network.accept_queue_overflow",
    "app.acceptor_stalled",
)

# connections of one process
LEAST = 10.0
# s; connections are read every ten seconds, and who closes at all does so sooner
OLD_SECONDS, CLEAR_SECONDS = 8.0, 30.0
# of what was there when the growth began; a leak only adds
GROWN, CLEAR_GROWN = 0.3, 0.8
# of the limit of open files
FILES_SHARE = 0.9


def check(waits: CloseWaits, files: ProcessFiles | None) -> list[Verdict]:
    """One verdict a process."""
    return [_verdict(each, files) for each in waits.processes if _leaks(each)]


def _leaks(each: CloseWait) -> bool:
    grown = each.grown >= max(LEAST / 2, GROWN * each.count)
    return each.count >= LEAST and each.oldest_seconds >= OLD_SECONDS and each.steady and grown


def _verdict(each: CloseWait, files: ProcessFiles | None) -> Verdict:
    subject = Subject(each.service, each.pid, netns=each.netns)
    left = _seconds_left(each, files)
    ahead = f": out of descriptors in {duration(left)}" if left is not None else ""
    return Verdict(
        subject=subject,
        headline=f"{subject.name} does not close {number(each.count)} connections that clients have closed, "
        f"{number(each.per_second)} more a second{ahead}",
        impact=_impact(each, left),
        evidence=tuple(_evidence(each)),
        ruled_out=tuple(_ruled_out(each, files)),
        recommendations=tuple(_recommendations(each)),
        will_not_help=(
            WillNotHelp("lower net.ipv4.tcp_fin_timeout", "it ends FIN_WAIT_2, the other side of this"),
            WillNotHelp(
                "net.ipv4.tcp_keepalive_*", "the peer has said that it is done: there is nothing to probe"
            ),
            WillNotHelp("only raise the limit of open files", "they become ever more"),
        ),
        unknown=() if left is not None else (Unknown("when descriptors run out", "its limit of open files"),),
        explains=EXPLAINS,
    )


def _seconds_left(each: CloseWait, files: ProcessFiles | None) -> float | None:
    mine = files.by_pid.get(each.pid) if files else None
    if mine is None or each.per_second <= 0:
        return None
    return max(0, mine.limit - mine.open) / each.per_second


def _impact(each: CloseWait, left: float | None) -> Impact:
    share = 0.1 if left is None else min(0.9, 0.5 * min(1.0, 600.0 / max(left, 1.0)))
    text = "each holds a descriptor and its buffers; when they run out nothing is accepted any more"
    return Impact(max(share, 0.05), each.count, "connections", text)


def _evidence(each: CloseWait) -> Iterator[Evidence]:
    labels = (("pid", str(each.pid)),)
    text = (
        f"{number(each.count)} connections in CLOSE_WAIT, {number(each.grown)} more than {duration(each.seconds)} "
        "before, and never fewer in between"
    )
    clear = strength(each.grown / each.count, GROWN, CLEAR_GROWN)
    source = "inet_diag"
    yield Evidence(
        "supports", "decides", text, "tcp_close_wait", each.count, "connections", LEAST, source, clear, labels
    )
    old = each.oldest_seconds
    text = f"the oldest has been so for {duration(old)} at least: closing takes a moment"
    clear = strength(old, OLD_SECONDS, CLEAR_SECONDS)
    metric = "tcp_close_wait_oldest_seconds"
    yield Evidence("supports", "separates", text, metric, old, "s", OLD_SECONDS, source, clear, labels)


def _ruled_out(each: CloseWait, files: ProcessFiles | None) -> Iterator[RuledOut]:
    yield RuledOut(
        "network.idle_connection_buildup", "the clients have closed them: these are not idle, they are over"
    )
    mine = files.by_pid.get(each.pid) if files else None
    if mine and mine.share < FILES_SHARE:
        yield RuledOut("limits.process_fds", f"{percent(mine.share)} of its open files are used")


def _recommendations(each: CloseWait) -> Iterator[Recommendation]:
    command = f"ss -Htnp state close-wait | grep 'pid={each.pid},' | awk '{{print $3, $4}}' | sort | uniq -c | sort -rn"
    purpose = "see which listener and which peers they belong to"
    inspect = Inspect(f"pid {each.pid}", purpose, command)
    yield Recommendation(inspect, f"{number(each.count)} in CLOSE_WAIT", "one listener, or one pool", "none")
    what = "close the socket when a read returns nothing, and in `finally` on every other path"
    where = f"{each.service or each.pid}: the code that handles these connections"
    formula = f"{number(each.per_second)} connections/s are not closed"
    yield Recommendation(
        Code(where, what), formula, "the count falls to what closes just now", "low", restart="service"
    )
