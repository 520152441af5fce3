"""One CPU receives the packets of all and cannot keep up, while others have time.

Symptom: latency and losses under traffic that the host as a whole carries easily; its mean CPU use looks moderate.

Cause: the interrupts of the network card's queue, or packets steered by RPS, end at one CPU. All software interrupts
for them run there, and nothing else does.

Evidence: one CPU near all its time in software interrupts and with most of the packets, the others far below. High on
every CPU alike is saturation, not imbalance: there is nothing to spread.

Recommendation: more receive queues (RSS) with an interrupt on each CPU; without them RPS over all CPUs, as a mask of
this host. `smp_affinity` takes a mask too (2 is CPU 1, 4 is CPU 2), and irqbalance overwrites it.

Source: Linux Documentation/networking/scaling.rst, Documentation/core-api/irq/irq-affinity.rst; measured: one CPU at
100 % of software interrupts while the host's mean said 51 %, 10,300 packets dropped, p50 0.6 → 263 ms; 1.3 ms with
RPS over both.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from diagnose.correlate.rule import (
    Evidence,
    Impact,
    Inspect,
    PacketSteering,
    Recommendation,
    RuledOut,
    Subject,
    Unknown,
    Verdict,
    WillNotHelp,
    strength,
    supports_if,
)
from diagnose.correlate.signals.packet_reception import CpuReception, PacketReception
from diagnose.correlate.words import number, percent

EXPLAINS = (
    "cpu.saturation",
    "network.backlog_drops",
    "network.nic_drops",
    "network.softirq_budget_exhausted",
    "network.udp_receive_overflow",
    "network.packet_loss",
)

# of the CPU's time in software interrupts; above it what arrives waits
BUSY, CLEAR_BUSY = 0.7, 0.95
# of its time, for the CPU with most of the rest
OTHERS = 0.35
# of all packets
MOST_OF_THEM = 0.7
# packets a second; fewer do not keep a CPU busy
LEAST_PACKETS = 5000.0


@dataclass(frozen=True, slots=True)
class _Case:
    one: CpuReception
    others: tuple[CpuReception, ...]

    @property
    def share(self) -> float:
        """Of all packets."""
        every = self.one.packets + sum(each.packets for each in self.others)
        return self.one.packets / every if every else 0.0

    @property
    def next_busiest(self) -> float:
        return max((each.softirq or 0.0 for each in self.others), default=1.0)

    @property
    def holds(self) -> bool:
        busy = (self.one.softirq or 0.0) >= BUSY and self.one.packets >= LEAST_PACKETS
        return busy and self.next_busiest <= OTHERS and self.share >= MOST_OF_THEM


def check(reception: PacketReception) -> list[Verdict]:
    """At most one verdict: of the CPU that is busiest with packets."""
    known = [each for each in reception.cpus if each.softirq is not None]
    if len(known) < 2:
        return []
    one = max(known, key=lambda each: each.softirq or 0.0)
    case = _Case(one, tuple(each for each in known if each is not one))
    return [_verdict(case)] if case.holds else []


def _verdict(case: _Case) -> Verdict:
    one = case.one
    busy = percent(one.softirq or 0.0)
    lost = f", {number(one.dropped)} packets/s dropped" if one.dropped >= 1 else ""
    text = f"what arrives waits behind {number(one.packets)} packets/s on one CPU{lost}"
    return Verdict(
        subject=Subject(cpu=one.cpu),
        headline=f"CPU {one.cpu} alone receives {percent(case.share)} of the packets, {busy} of its time",
        impact=Impact(0.7 if one.dropped >= 1 else 0.4, one.dropped, "packets/s", text),
        evidence=tuple(_evidence(case)),
        ruled_out=(
            RuledOut(
                "cpu.saturation", f"the others spend {percent(case.next_busiest)} of theirs on it at most"
            ),
        ),
        recommendations=tuple(_recommendations(case)),
        will_not_help=(
            WillNotHelp(
                "raise net.core.netdev_max_backlog", "the queue of a CPU that cannot keep up fills as well"
            ),
            WillNotHelp("raise net.core.netdev_budget", "it has no time left to spend"),
            WillNotHelp("a host with more CPUs of this kind", "one CPU does all of it"),
        ),
        unknown=(Unknown("which card and queue", "packets are counted by CPU: see /proc/interrupts"),),
        explains=EXPLAINS,
    )


def _evidence(case: _Case) -> Iterator[Evidence]:
    one, labels = case.one, (("cpu", str(case.one.cpu)),)
    busy = one.softirq or 0.0
    text = f"CPU {one.cpu} spends {percent(busy)} of its time in software interrupts"
    clear, where = strength(busy, BUSY, CLEAR_BUSY), (*labels, ("mode", "softirq"))
    yield Evidence(
        "supports", "decides", text, "cpu_seconds_total", busy, "ratio", BUSY, "/proc/stat", clear, where
    )
    others = case.next_busiest
    text = f"the busiest of the others spends {percent(others)} on them: it is not the whole host"
    yield Evidence("supports", "separates", text, "cpu_seconds_total", others, "ratio", OTHERS, "/proc/stat")
    text = f"it processes {percent(case.share)} of all packets, {number(one.packets)}/s"
    metric, source = "softnet_processed_total", "/proc/net/softnet_stat"
    yield Evidence(
        "supports", "separates", text, metric, case.share, "ratio", MOST_OF_THEM, source, 1.0, labels
    )
    text = f"{number(one.dropped)} packets/s are dropped at its queue"
    kind, metric = supports_if(one.dropped > 0), "softnet_dropped_total"
    yield Evidence(kind, "corroborates", text, metric, one.dropped, "1/s", 0, source, 1.0, labels)


def _recommendations(case: _Case) -> Iterator[Recommendation]:
    every = sorted((case.one.cpu, *(each.cpu for each in case.others)))
    mask = f"{sum(1 << cpu for cpu in every):x}"
    formula = f"CPUs {every[0]}–{every[-1]}: the sum of 2^CPU, in hexadecimal" if every else ""
    inspect = Inspect(
        "interrupts of the card",
        "see whether it has more queues than are used, and where their interrupts go",
        "grep -E 'CPU|eth|ens|enp|virtio|mlx' /proc/interrupts; ethtool -l DEVICE; systemctl is-active irqbalance",
    )
    yield Recommendation(
        inspect, f"CPU {case.one.cpu} has {percent(case.share)}", "queues that can be spread", "none"
    )
    expected = "software interrupts on all CPUs"
    risk = "a few µs more a packet for passing it on; keep it below one NUMA node where there are several"
    yield Recommendation(PacketSteering("", "0", mask), formula, expected, "low", risk)
