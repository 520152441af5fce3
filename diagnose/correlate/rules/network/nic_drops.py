"""The network card drops packets because its receive ring has no room.

Symptom: retransmits and slow transfers although the kernel drops nothing and the path is well.

Cause: the card writes packets into a ring of descriptors that a CPU empties; bursts are longer than the ring, or the
CPU that empties it comes too late.

Evidence: rx_missed, the card's FIFO and the driver's own counters of packets without room, against the packets that
came. rx_dropped is no evidence: it also holds what the kernel dropped behind the card and packets of protocols that
nobody wants (LLDP, another VLAN).

Recommendation: a longer ring, up to what the card can have; more queues, each with a CPU of its own.

Source: ethtool(8) (-g, -G, -S), Linux Documentation/networking/statistics.rst (rx_missed_errors, rx_fifo_errors,
rx_dropped), Documentation/networking/scaling.rst.
"""

from __future__ import annotations

from collections.abc import Iterator

from diagnose.correlate.change import CardQueues, Inspect, RingSize
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
    supports_if,
)
from diagnose.correlate.signals.device_drops import CardDrops, DeviceDrops
from diagnose.correlate.signals.packet_reception import PacketReception
from diagnose.correlate.words import duration, number, percent

EXPLAINS = ("network.packet_loss",)

# packets in about a minute; fewer are a moment's
LEAST = 50.0
# of the packets that came; at one in ten thousand TCP over some milliseconds is held to a few hundred Mbit/s
SHARE, CLEAR_SHARE = 1e-4, 2e-3
# of a CPU's time in software interrupts; then the CPU is late, and the ring only shows it
BUSY = 0.7


def check(cards: CardDrops, reception: PacketReception | None) -> list[Verdict]:
    """One verdict a card."""
    return [_verdict(card, cards, reception) for card in cards.devices if _drops(card)]


def _share(card: DeviceDrops) -> float:
    return card.missed / (card.packets + card.missed) if card.missed else 0.0


def _drops(card: DeviceDrops) -> bool:
    return card.missed >= LEAST and _share(card) >= SHARE


def _busiest(reception: PacketReception | None) -> float | None:
    """Share of its time that the busiest CPU spends in software interrupts."""
    known = [each.softirq for each in reception.cpus if each.softirq is not None] if reception else []
    return max(known, default=None)


def _verdict(card: DeviceDrops, cards: CardDrops, reception: PacketReception | None) -> Verdict:
    rate, share = card.missed / card.seconds, _share(card)
    ring = f" with a ring of {card.ring}" if card.ring else ""
    text = f"{percent(share)} of what arrives is lost before the kernel sees it, and has to be sent again"
    return Verdict(
        subject=Subject(device=card.device),
        headline=f"{card.device}{ring} drops {number(rate)} packets/s for want of room ({card.counter})",
        impact=Impact(min(0.8, 0.2 + 20 * share), rate, "packets/s", text),
        evidence=tuple(_evidence(card, reception)),
        ruled_out=tuple(_ruled_out(card, cards)),
        recommendations=tuple(_recommendations(card)),
        will_not_help=(
            WillNotHelp("raise net.core.netdev_max_backlog", "that queue is behind the card"),
            WillNotHelp("larger socket buffers", "these packets reach no socket"),
        ),
        unknown=()
        if card.ring
        else (Unknown("the ring", f"the driver {card.driver or 'of the card'} does not tell its length"),),
        explains=EXPLAINS,
    )


def _evidence(card: DeviceDrops, reception: PacketReception | None) -> Iterator[Evidence]:
    labels, share = (("device", card.device),), _share(card)
    metric, where = _series(card)
    text = f"{card.counter} rose by {number(card.missed)} in {duration(card.seconds)}: {percent(share)} of the packets"
    clear = strength(share, SHARE, CLEAR_SHARE)
    yield Evidence("supports", "decides", text, metric, share, "ratio", SHARE, "", clear, (*labels, *where))
    text = f"it rose in {card.passes} of the last readings"
    kind = supports_if(card.passes > 1)
    yield Evidence(kind, "corroborates", text, metric, card.passes, "readings", 1, labels=(*labels, *where))
    busiest = _busiest(reception)
    if busiest is None:
        yield Evidence("missing", "separates", "the CPUs' time was not read", "cpu_seconds_total")
        return
    text = f"the CPU busiest with packets spends {percent(busiest)} of its time on them"
    text = f"{text}: it comes in time" if busiest < BUSY else f"{text}: it comes too late"
    kind = supports_if(busiest < BUSY)
    yield Evidence(kind, "separates", text, "cpu_seconds_total", busiest, "ratio", BUSY, "/proc/stat")


def _series(card: DeviceDrops) -> tuple[str, tuple[tuple[str, str], ...]]:
    if card.counter in ("missed_errors", "fifo"):
        return f"network_receive_{card.counter}_total", ()
    return "network_driver_drops_total", (("counter", card.counter),)


def _ruled_out(card: DeviceDrops, cards: CardDrops) -> Iterator[RuledOut]:
    text = f"softnet dropped {number(cards.softnet_dropped)} packets on all CPUs in the same time"
    if cards.softnet_dropped < card.missed:
        yield RuledOut("network.backlog_drops", text)
    if card.kernel_drops:
        strange = (
            f", {number(card.nohandler)} of them of protocols that nobody wants" if card.nohandler else ""
        )
        reason = f"rx_dropped rose by {number(card.kernel_drops)}{strange}; it is not counted here"
        yield RuledOut("network.packet_loss", reason)


def _recommendations(card: DeviceDrops) -> Iterator[Recommendation]:
    formula = f"{number(card.missed)} packets without room in {duration(card.seconds)}"
    risk = "the card is reset for a moment"
    if card.ring and card.ring_max and card.ring < card.ring_max:
        change = RingSize(card.device, card.ring, min(card.ring_max, 4 * card.ring))
        expected = "bursts four times as long fit, as far as the card allows"
        yield Recommendation(change, f"4 × {card.ring}; {formula}", expected, "medium", risk)
    if card.queues and card.queues_max and card.queues < card.queues_max:
        queues = CardQueues(card.device, card.queues, card.queues_max)
        yield Recommendation(queues, formula, "each ring fills more slowly", "medium", risk)
    purpose = "see which counter and which queue"
    command = f"ethtool -S {card.device} | grep -E 'miss|fifo|no_buf|drop'; ethtool -g {card.device}"
    yield Recommendation(Inspect(card.device, purpose, command), formula, "one queue or all", "none")
