"""Connections that nobody uses pile up and take the files of the process.

Symptom: the number of open connections only grows, at an even load; in the end accept() fails for want of files.

Cause: clients open connections and leave them, or vanish without closing (a NAT that forgets, a laptop that sleeps),
and the server has no idle timeout and no keep-alive probes.

Evidence: established connections without any traffic, most of all, whose number rises from pass to pass, against the
limit of files of the process. Thousands of them that stay as many are how long polls and WebSockets look, and no
finding; at the limit itself limits.process_fds tells of it.

Recommendation: an idle timeout on the server, above its clients' own; tcp_keepalive_* shorter than the two hours of
the kernel's default for peers that are gone.

Source: tcp(7) (tcp_keepalive_time, SO_KEEPALIVE), RFC 9112 (9.8), nginx ngx_http_core_module (keepalive_timeout).
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
)
from diagnose.correlate.signals.idle_connections import IdleByListener, IdleConnections
from diagnose.correlate.words import duration, number, percent

EXPLAINS = ("limits.process_fds", "limits.system_fds")

# connections; a pool or two of some clients are fewer
LEAST = 150
# of the connections that were there a pass ago
IDLE_SHARE, CLEAR_SHARE = 0.7, 0.95
# s of growth from pass to pass; clients that come back after a restart are all there sooner
GROWING_SECONDS, CLEAR_GROWING_SECONDS = 28.0, 60.0
# a second; slower growth takes hours to matter
RATE = 1.0
# s until the limit of files; a forecast further ahead is worth little after two minutes of readings
SOON_SECONDS, URGENT_SECONDS = 3600.0, 600.0
# of the limit: idle connections alone, whether they grow or not; and where the limit itself is the trouble
FULL_SHARE, AT_LIMIT = 0.8, 0.98


def check(idle: IdleByListener) -> list[Verdict]:
    """One verdict a listener."""
    return [_verdict(each) for each in idle.found if _piles_up(each)]


def _piles_up(each: IdleConnections) -> bool:
    if each.idle < LEAST or each.idle_share < IDLE_SHARE or each.open_files is None or not each.limit:
        return False
    if each.open_files >= AT_LIMIT * each.limit:
        return False
    return _grows(each) or each.idle >= FULL_SHARE * each.limit


def _grows(each: IdleConnections) -> bool:
    if each.growing_seconds < GROWING_SECONDS or each.per_second < RATE:
        return False
    return _seconds_left(each) <= SOON_SECONDS


def _seconds_left(each: IdleConnections) -> float:
    left = max(0, (each.limit or 0) - (each.open_files or 0))
    return left / each.per_second if each.per_second > 0 else float("inf")


def _verdict(each: IdleConnections) -> Verdict:
    subject = Subject(each.service, each.pid, each.listener, each.netns)
    of = f"{number(each.idle)} of {number(each.established)}"
    text = f"{of} connections to {subject.name} on {each.listener} are idle"
    ahead = f" and {number(each.per_second)} more each second: its files are full in {duration(_seconds_left(each))}"
    share = 0.5 * min(1.0, URGENT_SECONDS / max(_seconds_left(each), 1.0)) if _grows(each) else 0.2
    harm = f"nothing fails yet; {number(each.open_files or 0)} of {number(each.limit or 0)} files are taken"
    return Verdict(
        subject=subject,
        headline=text + (ahead if _grows(each) else ""),
        impact=Impact(share, each.idle, "connections", harm),
        evidence=tuple(_evidence(each)),
        ruled_out=(
            RuledOut("network.close_wait_leak", "their clients have not closed them: they are established"),
            RuledOut("limits.process_fds", "the limit is not reached, and a higher one only buys time"),
        ),
        recommendations=tuple(_recommendations(each)),
        will_not_help=(
            WillNotHelp("lower net.ipv4.tcp_fin_timeout", "nobody has closed these connections"),
            WillNotHelp("a larger backlog", "they are accepted already"),
        ),
        unknown=(Unknown("whether their clients still live", "an idle connection does not tell"),),
        explains=EXPLAINS,
    )


def _evidence(each: IdleConnections) -> Iterator[Evidence]:
    labels = (("listener", each.listener),)
    active = "tcp_active_connections"
    if _grows(each):
        text = f"their number has risen for {duration(each.growing_seconds)}, by {number(each.per_second)} a second"
        clear = strength(each.growing_seconds, GROWING_SECONDS, CLEAR_GROWING_SECONDS)
        yield Evidence(
            "supports",
            "decides",
            text,
            "tcp_connections",
            each.per_second,
            "1/s",
            RATE,
            "inet_diag",
            clear,
            labels,
        )
    share = each.idle_share
    text = f"{percent(share)} of the {number(each.before)} that were there a pass ago have said nothing since"
    clear = strength(share, IDLE_SHARE, CLEAR_SHARE)
    yield Evidence(
        "supports", "separates", text, active, share, "ratio", IDLE_SHARE, "inet_diag", clear, labels
    )
    files, limit = each.open_files or 0, each.limit or 1
    text = f"the process has {number(files)} of {number(limit)} files open"
    soon = (
        1.0 - min(1.0, _seconds_left(each) / SOON_SECONDS)
        if _grows(each)
        else strength(files, FULL_SHARE * limit, limit)
    )
    where = (("pid", str(each.pid)),)
    yield Evidence(
        "supports",
        "decides",
        text,
        "process_open_fds",
        files,
        "files",
        limit,
        "/proc/PID/limits",
        soon,
        where,
    )


def _recommendations(each: IdleConnections) -> Iterator[Recommendation]:
    where = each.service or each.listener
    formula = f"{number(each.idle)} idle connections, a file and about 4 kB of kernel memory each"
    port = each.listener.rpartition(":")[2]
    peers = "awk '{print $4}' | sed 's/:[0-9]*$//' | sort | uniq -c | sort -rn | head"
    command = f"ss -Htno state established 'sport = :{port}' | {peers}"
    yield Recommendation(
        Inspect(where, "see which clients hold them", command),
        formula,
        "one client or network, or all",
        "none",
    )
    what = (
        "close connections that were idle for a minute or more; a little longer than its clients keep theirs"
    )
    yield Recommendation(
        Code(where, what),
        formula,
        "their number levels off",
        "low",
        "long polls need a longer one",
        "service",
    )
    what = "SO_KEEPALIVE on accepted connections, with TCP_KEEPIDLE 60, TCP_KEEPINTVL 10, TCP_KEEPCNT 6"
    expected = "peers that are gone are noticed within two minutes instead of two hours"
    yield Recommendation(Code(where, what), "7,200 s by default", expected, "low", restart="service")
