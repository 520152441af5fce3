"""A process runs out of file descriptors.

Symptom: "Too many open files" in the log; new connections hang or are refused while old ones work; the accept queue
fills, because accept() fails with EMFILE.

Cause: either the soft limit RLIMIT_NOFILE is lower than what the load needs, or descriptors leak: they grow at an
even load, and any limit is reached in time.

Evidence: open descriptors against the process's soft limit, their growth with its interval, the kind that grows, and
whether connections grow with them.

Recommendation: for a leak, where to look and the kind that leaks; a higher limit only buys the time that is computed
here. For a low limit, twice the measured peak, up to fs.nr_open. A systemd service takes LimitNOFILE=; it does not
read limits.conf.

Source: getrlimit(2), accept(2) on EMFILE, proc(5) on /proc/PID/limits and fs.nr_open, systemd.exec(5) on
LimitNOFILE=.
"""

from __future__ import annotations

from collections.abc import Iterator

from diagnose.correlate.growth import Growth
from diagnose.correlate.leak import forecast, leaks, seconds_to_limit
from diagnose.correlate.rule import (
    Code,
    Evidence,
    Impact,
    Inspect,
    OpenFiles,
    Recommendation,
    RuledOut,
    Subject,
    Unknown,
    Verdict,
    WillNotHelp,
    strength,
)
from diagnose.correlate.signals.file_limits import FileLimits
from diagnose.correlate.signals.process_files import OpenFilesOf, ProcessFiles
from diagnose.correlate.words import duration, number, percent

EXPLAINS = (
    "network.accept_queue_overflow",
    "app.acceptor_stalled",
    "app.hot_function",  # a loop over a failing accept() burns a core
    "python.gil_contention",
)

# of the soft limit; clear where a handful of connections reaches it
HIGH, AT_LIMIT = 0.9, 0.98
# connections/s; below it a count that moves by one or two in a window would read as a trend
LEVEL = 0.05
# of the soft limit; below it even steady growth is more likely a service that fills its pools
GROWN = 0.5
# s; a forecast further ahead than an hour is worth little after two minutes of readings
SOON_SECONDS, URGENT_SECONDS = 3600.0, 600.0


def check(files: ProcessFiles, limits: FileLimits | None) -> list[Verdict]:
    """One verdict a process near its limit."""
    return [_verdict(process, limits) for process in files.by_pid.values() if _troubled(process)]


def _troubled(process: OpenFilesOf) -> bool:
    if process.share >= HIGH:
        return True
    seconds = seconds_to_limit(process)
    return process.share >= GROWN and leaks(process) and seconds is not None and seconds <= SOON_SECONDS


def _at_limit(process: OpenFilesOf) -> bool:
    return process.share >= AT_LIMIT


def _verdict(process: OpenFilesOf, limits: FileLimits | None) -> Verdict:
    leak = leaks(process)
    subject = Subject(process.service, process.pid)
    return Verdict(
        subject=subject,
        headline=_headline(subject, process, leak),
        impact=_impact(process),
        evidence=tuple(_evidence(process, leak)),
        ruled_out=tuple(_ruled_out(process, leak)),
        recommendations=tuple(_recommendations(process, limits, leak)),
        will_not_help=tuple(_will_not_help(process, leak)),
        unknown=tuple(_unknown(process)),
        explains=EXPLAINS if _at_limit(process) else (),
    )


def _headline(subject: Subject, process: OpenFilesOf, leak: bool) -> str:
    text = f"{subject.name} has {number(process.open)} of {number(process.limit)} files open"
    if leak and process.growth:
        kind = f"{process.kinds[0][0]} descriptors" if process.kinds else "descriptors"
        text = f"{text} and leaks {number(process.growth.per_second)} {kind}/s"
    if _at_limit(process):
        most = f" (mostly {kind})" if (kind := _commonest(process)) and not leak else ""
        return f"{text}{most}: new connections and files fail"
    ahead = forecast(process) if leak else ""
    return f"{text}: {ahead}" if ahead else text


def _commonest(process: OpenFilesOf) -> str:
    return max(process.kinds, key=lambda kind: kind[1])[0] if process.kinds else ""


def _impact(process: OpenFilesOf) -> Impact:
    if _at_limit(process):
        text = "every new connection and every file it opens fails (EMFILE) until others are closed"
        return Impact(0.9, process.open, "files", text)
    seconds = seconds_to_limit(process)
    share = 0.5 * min(1.0, URGENT_SECONDS / max(seconds, 1.0)) if seconds is not None else 0.1
    text = forecast(process) or "little room is left for more connections"
    return Impact(share, process.open, "files", f"nothing fails yet; {text}")


def _evidence(process: OpenFilesOf, leak: bool) -> Iterator[Evidence]:
    labels = (("pid", str(process.pid)),)
    share = percent(process.share)
    text = f"{number(process.peak)} files were open at a soft limit of {number(process.limit)} ({share})"
    clear = strength(process.share, GROWN if leak else HIGH, HIGH if leak else AT_LIMIT)
    yield Evidence(
        "supports",
        "decides",
        text,
        "process_open_fds",
        process.peak,
        "files",
        process.limit,
        "/proc/PID/limits",
        clear,
        labels,
    )
    if _at_limit(process):
        text = "open() and accept() fail at the limit (EMFILE)"
        yield Evidence("supports", "separates", text, "process_max_fds", labels=labels, source="getrlimit(2)")
    if process.growth is None:
        yield Evidence(
            "missing", "separates", "too few readings to tell a leak from a low limit", "process_open_fds"
        )
        return
    if leak:
        yield from _growing(process, process.growth, labels)


def _growing(process: OpenFilesOf, growth: Growth, labels: tuple[tuple[str, str], ...]) -> Iterator[Evidence]:
    text = (
        f"they grow by {number(growth.per_second)}/s ({number(growth.low)}–{number(growth.high)}) over "
        f"{duration(process.seconds)}"
    )
    yield Evidence(
        "supports",
        "decides",
        text,
        "process_open_fds",
        growth.per_second,
        "1/s",
        0,
        "",
        growth.steady,
        labels,
    )
    connections = process.connections_per_second
    if connections is None:
        text = "whether connections grow as well was not read"
        yield Evidence("missing", "separates", text, "netstat_Tcp_CurrEstab")
    else:
        text = f"{_course(connections)}: the load does not explain it"
        yield Evidence("supports", "separates", text, "netstat_Tcp_CurrEstab", connections, "1/s")
    for kind, count, per_second in process.kinds[:1]:
        text = f"most of what is open is of kind {kind}: {number(count)}"
        if per_second > 0:
            text = f"{kind} grows fastest: {number(count)} open, {number(per_second)} more a second"
        labels = (*labels, ("kind", kind))
        yield Evidence(
            "supports", "corroborates", text, "process_open_fds_by_kind", count, "files", labels=labels
        )


def _course(connections_per_second: float) -> str:
    """Where the number of connections goes, in words."""
    if abs(connections_per_second) < LEVEL:
        return "connections stay level"
    verb = "grow" if connections_per_second > 0 else "fall"
    return f"connections {verb} by {number(abs(connections_per_second))}/s"


def _ruled_out(process: OpenFilesOf, leak: bool) -> Iterator[RuledOut]:
    if leak and process.connections_per_second is not None:
        reason = f"{_course(process.connections_per_second)}, descriptors grow faster"
        yield RuledOut("app.connection_surge", reason)
    if not _at_limit(process):
        yield RuledOut("limits.system_fds", "the process's own limit is nearer")


def _recommendations(process: OpenFilesOf, limits: FileLimits | None, leak: bool) -> Iterator[Recommendation]:
    if leak or _at_limit(process):
        yield _inspect(process)
        kind = (process.kinds[0][0] if leak and process.kinds else _commonest(process)) or "file"
        formula = (
            f"{kind} descriptors grow at an even load" if leak else f"most of what is open is of kind {kind}"
        )
        what = f"close what it opens ({kind}) on every path, errors included: `with`, `finally`, or a context manager"
        where = f"{process.service or process.pid}: the code that opens each {kind}"
        yield Recommendation(Code(where, what), formula, "the count levels off", "low", restart="service")
    yield from _raise_limit(process, limits, leak)


def _inspect(process: OpenFilesOf) -> Recommendation:
    counted = "awk '{print $NF}' | sed 's/:\\[.*//' | sort | uniq -c | sort -rn | head"
    command = f"ls -l /proc/{process.pid}/fd | {counted}"
    purpose = "see what is open most often: the same path or kind over and over is what leaks"
    inspect = Inspect(f"pid {process.pid}", purpose, command)
    return Recommendation(
        inspect, f"{number(process.open)} descriptors open", "the file or peer that leaks", "none"
    )


def _raise_limit(process: OpenFilesOf, limits: FileLimits | None, leak: bool) -> Iterator[Recommendation]:
    proposed = 1 << (2 * max(process.peak, process.limit // 2) - 1).bit_length()
    formula = f"twice the measured peak of {number(process.peak)}, rounded up to a power of two"
    if limits and proposed > limits.nr_open:
        proposed, formula = limits.nr_open, f"{formula}, capped at fs.nr_open"
    if proposed <= process.limit:
        return
    expected = "no EMFILE at this load"
    if leak and process.growth:
        expected = f"buys {duration((proposed - process.limit) / process.growth.per_second)}, no more"
    change = OpenFiles(process.service, process.pid, process.limit, proposed)
    yield Recommendation(
        change, formula, expected, "low", "select() fails on descriptors above 1023", "service"
    )


def _will_not_help(process: OpenFilesOf, leak: bool) -> Iterator[WillNotHelp]:
    if leak and process.growth:
        seconds = duration(process.limit / process.growth.per_second)
        reason = (
            f"at {number(process.growth.per_second)} more a second, twice the limit lasts {seconds} longer"
        )
        yield WillNotHelp("only raise the limit", reason)
    if process.service.endswith(".service"):
        yield WillNotHelp(
            "edit /etc/security/limits.conf", "systemd services do not read it: use LimitNOFILE="
        )
    yield WillNotHelp("raise fs.file-max", "it is the whole host's limit; this process reaches its own")


def _unknown(process: OpenFilesOf) -> Iterator[Unknown]:
    if not process.kinds:
        yield Unknown("which kind of file grows", "the kinds of this process's files were not counted")
    if process.growth is None:
        yield Unknown("leak or low limit", "too few readings of this process in the window")
