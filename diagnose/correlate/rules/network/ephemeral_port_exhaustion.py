"""Connections to one destination have used up all local ports: connect() fails.

Symptom: "Cannot assign requested address" (EADDRNOTAVAIL) in the log of a client, while those of its requests that
get through are fast. Nothing is wrong at the destination.

Cause: a connection is known by both its ends, so to one address and port there can be as many as there are local
ports. Whoever closes first keeps the port in TIME_WAIT for 60 s: a client that connects anew for every request needs
60 ports for each connection a second.

Evidence: the connections to this destination, those in TIME_WAIT among them, against net.ipv4.ip_local_port_range,
and connect() failing with EADDRNOTAVAIL. Many connections in TIME_WAIT that are spread over destinations, or are a
server's own, hold no port that anybody lacks.

Recommendation: keep connections (a pool). Else tcp_tw_reuse=1, which lets outgoing connections take a port in
TIME_WAIT after a second, or as wide a range as the measured rate needs. tcp_tw_recycle is gone since Linux 4.12 and
broke clients behind NAT; tcp_fin_timeout is about FIN_WAIT_2 and does not shorten TIME_WAIT.

Source: Linux net/ipv4/inet_hashtables.c (__inet_hash_connect), include/net/tcp.h (TCP_TIMEWAIT_LEN, 60 s),
Documentation/networking/ip-sysctl.rst; measured: 400 → 143 requests/s, and 400 again with each of the three remedies.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from diagnose.correlate.rule import (
    Code,
    Evidence,
    Impact,
    Recommendation,
    RuledOut,
    Subject,
    Sysctl,
    Unknown,
    Verdict,
    WillNotHelp,
    strength,
)
from diagnose.correlate.signals.local_ports import LocalPorts
from diagnose.correlate.signals.syscall_errors import SyscallErrors
from diagnose.correlate.signals.tcp_counters import Counted, TcpCounters
from diagnose.correlate.signals.traffic import Group, Traffic
from diagnose.correlate.words import number, percent

EXPLAINS = ("network.connection_resets",)

# of the range; the kernel looks for a free port among odd and even ones in turn, and fails only at the end
USED, ALL_USED = 0.9, 0.99
# failed connect() calls in half a minute; a single one is as likely a wrong source address
LEAST_FAILURES, CLEAR_FAILURES = 5.0, 50.0
# of the range; a client that connects faster than its connections are counted may fail with less in use
LIKELY = 0.5
# of the connections in TIME_WAIT, from one pass to the next
LEVEL = 0.03
# connections to the destination; what fails with fewer in use does not fail for want of ports
LEAST_USED = 50.0
# of all connections in TIME_WAIT or open to any destination
MOST_OF_THEM = 0.5
# s; fixed in the kernel (TCP_TIMEWAIT_LEN)
TIME_WAIT_SECONDS = 60.0
# ports; below are services, many of which listen at fixed ports
LOWEST_PORT, HIGHEST_PORT = 10240, 60999
LOOPBACK = ("127.", "[::1]")


@dataclass(frozen=True, slots=True)
class _Case:
    """`ports` only where they are known and those of this namespace; `failures` None: not counted."""

    group: Group
    all_used: float
    ports: LocalPorts | None
    failures: float | None
    service: str
    counted: Counted | None

    @property
    def used(self) -> float:
        return self.group.open + self.group.time_waits

    @property
    def share(self) -> float | None:
        return self.used / self.ports.count if self.ports else None

    @property
    def likely_full(self) -> bool:
        """Whether the range that was told is likely the one that holds; it is told every half minute."""
        return self.share is not None and self.share >= LIKELY

    @property
    def level(self) -> bool:
        """Whether the connections have stopped to become more: there is no port for another."""
        waits = self.group.readings.get("tcp_destination_time_wait", ())
        return len(waits) >= 2 and abs(waits[-1] - waits[-2]) <= LEVEL * waits[-1]

    @property
    def may_reuse(self) -> bool:
        """Whether ports in TIME_WAIT may be taken again, so that they do not count."""
        reuse = self.ports.tw_reuse if self.ports else None
        return reuse == 1 or (reuse == 2 and self.group.name.startswith(LOOPBACK))

    @property
    def holds(self) -> bool:
        failing = (self.failures or 0.0) >= LEAST_FAILURES and self.used >= LEAST_USED
        failing = failing and (self.likely_full or self.level)
        full = self.share is not None and self.share >= USED and not self.may_reuse and self.failures is None
        return self.used >= MOST_OF_THEM * self.all_used and (failing or full)

    @property
    def connects_per_second(self) -> float:
        """Attempts, those that failed for want of a port among them."""
        opened = self.counted.rate("ActiveOpens") if self.counted else 0.0
        return opened + (self.failures or 0.0) / 30.0


def check(
    traffic: Traffic, ports: LocalPorts | None, errors: SyscallErrors | None, counters: TcpCounters | None
) -> list[Verdict]:
    """One verdict a destination; failures are those of the service that has most of them."""
    failing = errors.of("EADDRNOTAVAIL", "connect") if errors else {}
    service, failures = next(iter(failing.items()), ("", 0.0))
    by_netns: dict[str, float] = {}
    for (_, netns), group in traffic.destinations.items():
        by_netns[netns] = by_netns.get(netns, 0.0) + group.open + group.time_waits
    cases = (
        _Case(
            group,
            by_netns[netns],
            ports if not netns else None,
            failures if errors else None,
            service,
            counters.by_netns.get(netns) if counters else None,
        )
        for (name, netns), group in traffic.destinations.items()
        if name != "other"
    )
    return [_verdict(case) for case in cases if case.holds]


def _verdict(case: _Case) -> Verdict:
    subject = Subject(case.service, netns=case.group.netns, destination=case.group.name)
    size = f" of {number(case.ports.count)}" if case.ports and case.likely_full else ""
    who = case.service or "a client on this host"
    return Verdict(
        subject=subject,
        headline=f"{who} has no local port left for {case.group.name}: {number(case.used)}{size} in use, "
        f"{percent(case.group.time_waits / case.used)} of them in TIME_WAIT",
        impact=_impact(case),
        evidence=tuple(_evidence(case)),
        ruled_out=tuple(_ruled_out(case)),
        recommendations=tuple(_recommendations(case)),
        will_not_help=_WILL_NOT_HELP,
        unknown=tuple(_unknown(case)),
        explains=EXPLAINS,
    )


def _impact(case: _Case) -> Impact:
    if not case.failures:
        text = "the next connections to it fail with EADDRNOTAVAIL"
        return Impact(0.5, case.used, "ports", text)
    opened = case.counted.of("ActiveOpens") if case.counted else 0.0
    share = case.failures / (case.failures + opened)
    rate = case.failures / 30.0
    text = f"{number(rate)} connections/s fail at once (EADDRNOTAVAIL), {percent(share)} of all that it tries"
    return Impact(share, rate, "connections/s", text)


def _evidence(case: _Case) -> Iterator[Evidence]:
    if case.failures is None:
        text = "whether connect() fails was not counted (eBPF)"
        yield Evidence("missing", "decides", text, "syscall_errors_total")
    else:
        text = f"connect() failed {number(case.failures)} times for want of a local port (EADDRNOTAVAIL)"
        clear = strength(case.failures, LEAST_FAILURES, CLEAR_FAILURES)
        labels = (("service", case.service), ("error", "EADDRNOTAVAIL"))
        yield Evidence(
            "supports",
            "decides",
            text,
            "syscall_errors_total",
            case.failures,
            "calls",
            0,
            "eBPF",
            clear,
            labels,
        )
    metric = "tcp_destination_time_wait"
    if case.ports and case.share and case.likely_full:
        text = (
            f"{number(case.used)} connections to {case.group.name} of {case.ports.count} local ports "
            f"({case.ports.first}–{case.ports.last})"
        )
        source, clear = "net.ipv4.ip_local_port_range", strength(case.share, USED, ALL_USED)
        yield Evidence(
            "supports",
            "decides",
            text,
            metric,
            case.used,
            "ports",
            case.ports.count,
            source,
            clear,
            case.group.labels,
        )
    elif case.ports:
        text = f"{number(case.used)} connections to {case.group.name}, of {case.ports.count} local ports told last"
        yield Evidence(
            "contradicts", "corroborates", text, metric, case.used, "ports", labels=case.group.labels
        )
    else:
        text = f"{number(case.used)} connections to {case.group.name}; the range of local ports there is not known"
        yield Evidence("missing", "corroborates", text, metric, case.used, "ports", labels=case.group.labels)
    share = case.used / case.all_used
    text = f"{percent(share)} of all outgoing connections, TIME_WAIT included, are to this one destination"
    yield Evidence(
        "supports",
        "separates",
        text,
        metric,
        share,
        "ratio",
        MOST_OF_THEM,
        "inet_diag",
        1.0,
        case.group.labels,
    )


def _ruled_out(case: _Case) -> Iterator[RuledOut]:
    yield RuledOut(
        "network.time_wait_overflow",
        f"the ports to this destination are what runs out: {number(case.used)} of them are taken",
    )
    if case.failures:
        yield RuledOut("limits.process_fds", "connect() fails with EADDRNOTAVAIL, not with EMFILE")


def _recommendations(case: _Case) -> Iterator[Recommendation]:
    needed = case.connects_per_second * TIME_WAIT_SECONDS
    formula = f"{number(case.connects_per_second)} connections/s × {number(TIME_WAIT_SECONDS)} s in TIME_WAIT"
    where = f"{case.service or 'the client'}: its connections to {case.group.name}"
    what = "keep connections and use them again (a pool, HTTP keep-alive), as many as requests run at once"
    yield Recommendation(
        Code(where, what),
        formula,
        "a few dozen ports in use",
        "low",
        "the server must keep them open longer",
        "service",
    )
    if case.ports is None:
        return
    if case.ports.tw_reuse in (0, 2) and case.ports.timestamps:
        change = Sysctl("net.ipv4.tcp_tw_reuse", case.ports.tw_reuse, 1)
        expected = "a port in TIME_WAIT is taken again after 1 s; outgoing connections only"
        yield Recommendation(change, formula, expected, "low", "both ends need TCP timestamps")
    yield from _wider(case.ports, needed, formula)


def _wider(ports: LocalPorts, needed: float, formula: str) -> Iterator[Recommendation]:
    """From the top down, so far as there is room above fixed ports; never narrower than now."""
    last = max(ports.last, HIGHEST_PORT)
    wanted = int(max(needed * 1.25, ports.count * 2))
    first = min(ports.first, max(LOWEST_PORT, last - wanted + 1))
    if (first, last) == (ports.first, ports.last):
        return
    change = Sysctl("net.ipv4.ip_local_port_range", f"{ports.first} {ports.last}", f"{first} {last}")
    rest = f", {number(needed)} ports, and a quarter more; at least twice the {ports.count} of now"
    risk = (
        "a service that listens at a port in it may find the port taken: reserve it (ip_local_reserved_ports)"
    )
    enough = "no failures at this rate" if last - first + 1 >= needed else "only part of what this rate needs"
    yield Recommendation(change, formula + rest, enough, "low", risk)


_WILL_NOT_HELP = (
    WillNotHelp("lower net.ipv4.tcp_fin_timeout", "it ends FIN_WAIT_2; TIME_WAIT is fixed at 60 s"),
    WillNotHelp("set net.ipv4.tcp_tw_recycle", "gone since Linux 4.12; it broke clients behind NAT before"),
    WillNotHelp(
        "raise net.ipv4.tcp_max_tw_buckets", "it lets even more connections wait, each with its port"
    ),
)


def _unknown(case: _Case) -> Iterator[Unknown]:
    if case.ports is None:
        yield Unknown("the range of local ports", "it is read of the host's own network namespace only")
    if not case.service:
        yield Unknown("which service", "no failing call told who connects")
