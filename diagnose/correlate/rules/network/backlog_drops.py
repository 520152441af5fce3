"""A CPU's queue of received packets overflows.

Symptom: losses and repeated segments on a host whose CPUs have time, in bursts.

Cause: packets from virtual devices, tunnels, loopback and RPS wait in a queue of each CPU, of
net.core.netdev_max_backlog packets. A burst that is larger is cut off, however idle the CPU is between bursts.

Evidence: the CPU's dropped column of softnet_stat rises while the CPU has time left. A CPU that is busy with nothing
else is the cause itself (network.softirq_imbalance). Drops in the ring of a network card never get here.

Recommendation: a queue of the size measured; RPS over more CPUs shares out the bursts.

Source: Linux net/core/dev.c (enqueue_to_backlog), Documentation/admin-guide/sysctl/net.rst; measured: 10,000 drops
with the CPU idle, none with a longer queue. On a veth the sender sees them as UDP SndbufErrors.
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

EXPLAINS = ("network.packet_loss",)

# packets a second
LEAST, CLEAR = 2.0, 50.0
# of its time; below it the CPU cannot keep up, and a longer queue only delays
IDLE = 0.1
# packets; more is memory for a burst that takes too long to work off
MOST_BACKLOG = 65_536


def check(reception: PacketReception) -> list[Verdict]:
    """One verdict for all CPUs, of the one that drops most."""
    dropping = [each for each in reception.cpus if each.dropped >= LEAST]
    return [_verdict(max(dropping, key=lambda each: each.dropped), reception)] if dropping else []


def _verdict(worst: CpuReception, reception: PacketReception) -> Verdict:
    every = sum(each.dropped for each in reception.cpus)
    packets = sum(each.packets for each in reception.cpus)
    share = every / (every + packets) if every else 0.0
    idle = f" although it is idle {percent(worst.idle)} of the time" if worst.idle is not None else ""
    return Verdict(
        subject=Subject(),
        headline=f"CPU {worst.cpu} drops {number(worst.dropped)} packets/s at its queue{idle}",
        impact=Impact(
            min(0.8, 0.1 + share),
            every,
            "packets/s",
            f"{percent(share)} of all packets are lost and sent again, or gone",
        ),
        evidence=tuple(_evidence(worst)),
        ruled_out=(
            RuledOut("network.nic_drops", "these had left the card: they are dropped at the CPU's queue"),
        ),
        recommendations=tuple(_recommendations(worst, reception)),
        will_not_help=(
            WillNotHelp("larger socket buffers", "the packets never reach a socket"),
            WillNotHelp("a larger ring (ethtool -G)", "the ring is before this queue"),
        ),
        unknown=()
        if reception.max_backlog
        else (
            Unknown(
                "the queue's length", "net.core.netdev_max_backlog cannot be read in a network namespace"
            ),
        ),
        explains=EXPLAINS,
    )


def _evidence(worst: CpuReception) -> Iterator[Evidence]:
    labels, source = (("cpu", str(worst.cpu)),), "/proc/net/softnet_stat"
    text = f"softnet counts {number(worst.dropped)} drops a second on CPU {worst.cpu}, beside {number(worst.packets)}"
    clear, metric = strength(worst.dropped, LEAST, CLEAR), "softnet_dropped_total"
    yield Evidence("supports", "decides", text, metric, worst.dropped, "1/s", LEAST, source, clear, labels)
    if worst.idle is None:
        yield Evidence("missing", "separates", "the CPU's idle time was not read", "cpu_seconds_total")
        return
    text = f"the CPU is idle {percent(worst.idle)} of the time: it works bursts off"
    kind, where = supports_if(worst.idle >= IDLE), (*labels, ("mode", "idle"))
    yield Evidence(
        kind, "separates", text, "cpu_seconds_total", worst.idle, "ratio", IDLE, "/proc/stat", 1.0, where
    )


def _recommendations(worst: CpuReception, reception: PacketReception) -> Iterator[Recommendation]:
    now = reception.max_backlog
    if now is None or (worst.idle is not None and worst.idle < IDLE):
        return
    # What was dropped in a second came in one burst at the most.
    proposed = min(MOST_BACKLOG, 1 << (int(now + worst.dropped) - 1).bit_length())
    if proposed > now:
        change = Sysctl("net.core.netdev_max_backlog", now, proposed)
        formula = f"{number(now)} + {number(worst.dropped)} dropped in a second, rounded up to a power of two"
        yield Recommendation(change, formula, "the dropped column stands still", "low", "bursts wait instead")
