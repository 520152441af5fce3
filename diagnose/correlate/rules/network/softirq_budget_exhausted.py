"""Rounds of packet reception end with work left, and packets are lost or late for it.

Symptom: latency in steps of a scheduler tick under traffic, drops at the CPU's queue, ksoftirqd at work.

Cause: one round of the receiving software interrupt takes net.core.netdev_budget packets or netdev_budget_usecs of
time, whichever ends first. With more to do the rest waits for ksoftirqd, which competes with all other threads.

Evidence: the squeezed column of softnet_stat rises fast, together with drops or a CPU that spends most of its time in
software interrupts. Squeezes alone are no problem: 716 of them made neither a drop nor any latency.

Recommendation: both budgets together, as one alone leaves the other in force; more receive queues, so that each CPU
has less to do.

Source: Linux net/core/dev.c (net_rx_action), Documentation/admin-guide/sysctl/net.rst (netdev_budget,
netdev_budget_usecs).
"""

from __future__ import annotations

from collections.abc import Iterator

from diagnose.correlate.rule import (
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
    supports_if,
)
from diagnose.correlate.signals.packet_reception import CpuReception, PacketReception
from diagnose.correlate.words import number, percent

EXPLAINS = ("network.backlog_drops",)

# rounds a second
SQUEEZED, CLEAR_SQUEEZED = 5.0, 50.0
# packets a second; without any the squeezes harm nobody, unless the CPU is short of time
DROPPED = 1.0
# of the CPU's time in software interrupts
BUSY = 0.5


def check(reception: PacketReception) -> list[Verdict]:
    """One verdict for all CPUs, of the one that is squeezed most."""
    squeezed = [each for each in reception.cpus if each.squeezed >= SQUEEZED and _harmed(each)]
    return [_verdict(max(squeezed, key=lambda each: each.squeezed), reception)] if squeezed else []


def _harmed(cpu: CpuReception) -> bool:
    return cpu.dropped >= DROPPED or (cpu.softirq or 0.0) >= BUSY


def _verdict(worst: CpuReception, reception: PacketReception) -> Verdict:
    lost = f", {number(worst.dropped)} packets/s dropped" if worst.dropped >= DROPPED else ""
    text = f"what is left of {number(worst.squeezed)} rounds a second waits for ksoftirqd{lost}"
    return Verdict(
        subject=Subject(),
        headline=f"CPU {worst.cpu} ends {number(worst.squeezed)} rounds of reception a second with work left{lost}",
        impact=Impact(0.3 if lost else 0.1, worst.squeezed, "rounds/s", text),
        evidence=tuple(_evidence(worst)),
        ruled_out=(RuledOut("network.nic_drops", "these packets had left the card"),),
        recommendations=tuple(_recommendations(worst, reception)),
        will_not_help=(
            WillNotHelp("raise net.core.netdev_budget alone", "netdev_budget_usecs ends the round as well"),
            WillNotHelp("larger socket buffers", "the packets have not reached a socket yet"),
        ),
        unknown=()
        if reception.budget
        else (Unknown("the budgets", "net.core.netdev_budget cannot be read in a network namespace"),),
        explains=EXPLAINS,
    )


def _evidence(worst: CpuReception) -> Iterator[Evidence]:
    labels, source = (("cpu", str(worst.cpu)),), "/proc/net/softnet_stat"
    text = f"{number(worst.squeezed)} rounds a second ended with work left on CPU {worst.cpu}"
    clear, metric = strength(worst.squeezed, SQUEEZED, CLEAR_SQUEEZED), "softnet_times_squeezed_total"
    yield Evidence(
        "supports", "decides", text, metric, worst.squeezed, "1/s", SQUEEZED, source, clear, labels
    )
    text = f"{number(worst.dropped)} packets a second were dropped at its queue"
    kind, metric = supports_if(worst.dropped >= DROPPED), "softnet_dropped_total"
    yield Evidence(kind, "separates", text, metric, worst.dropped, "1/s", DROPPED, source, 1.0, labels)
    if worst.softirq is None:
        yield Evidence(
            "missing", "corroborates", "time in software interrupts was not read", "cpu_seconds_total"
        )
        return
    text = f"the CPU spends {percent(worst.softirq)} of its time in software interrupts"
    kind, where = supports_if(worst.softirq >= BUSY), (*labels, ("mode", "softirq"))
    yield Evidence(
        kind, "corroborates", text, "cpu_seconds_total", worst.softirq, "ratio", BUSY, "", 1.0, where
    )


def _recommendations(worst: CpuReception, reception: PacketReception) -> Iterator[Recommendation]:
    formula = f"twice as much a round, as {number(worst.squeezed)} rounds a second are too short"
    pairs = (("netdev_budget", reception.budget), ("netdev_budget_usecs", reception.budget_usecs))
    for name, now in pairs:
        if now:
            change = Sysctl(f"net.core.{name}", now, 2 * now)
            yield Recommendation(
                change, formula, "fewer rounds with work left", "low", "threads wait longer for the CPU"
            )
