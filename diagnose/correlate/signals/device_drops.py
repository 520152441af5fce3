"""Packets that network cards dropped before the kernel saw them, by device."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from diagnose.correlate.samples import Samples, Series

READS = (
    "network_receive_packets_total",
    "network_receive_missed_errors_total",
    "network_receive_fifo_total",
    "network_receive_drop_total",
    "network_receive_nohandler_total",
    "network_driver_drops_total",
    "softnet_dropped_total",
)

# s; drivers' own counters are read every thirty
RECENT_SECONDS = 70.0
# What drivers call a packet for which the ring or the card's own memory had no room. Errors of the cable and what was
# sent are other matters; a few count the same twice, by queue and in all.
_NO_ROOM = re.compile(r"miss|fifo|no_?buf|out_of_buf|no_dma|rx_?(?:queue_\d+_)?(?:discards|dropped|drops)")
_SENDING = re.compile(r"(?:^|[_.])tx(?:[_.]|$)")


@dataclass(frozen=True, slots=True)
class DeviceDrops:
    """One card. Counts are of the last `seconds`; `missed` is what the card had no room for, by the counter that says
    most, named `counter`. `ring` and `ring_max` are descriptors; None where they are not known."""

    device: str
    seconds: float
    packets: float
    missed: float
    counter: str
    kernel_drops: float
    nohandler: float
    passes: int
    ring: int | None
    ring_max: int | None
    queues: int | None
    queues_max: int | None
    driver: str


@dataclass(frozen=True, slots=True)
class CardDrops:
    """Cards of the host, and what the kernel dropped behind all of them in the same time."""

    devices: tuple[DeviceDrops, ...]
    softnet_dropped: float

    @classmethod
    def derive(cls, samples: Samples) -> CardDrops | None:
        begin_ns = samples.end_ns - int(RECENT_SECONDS * 1e9)
        packets = samples.grouped("network_receive_packets_total", "device")
        if not packets or not samples.of("network_receive_missed_errors_total"):
            return None
        dropped = sum(each.since(begin_ns).total for each in samples.of("softnet_dropped_total"))
        return cls(tuple(_of(device, samples, begin_ns) for device in sorted(packets)), dropped)


def _of(device: str, samples: Samples, begin_ns: int) -> DeviceDrops:
    def recent(metric: str) -> Series | None:
        group = samples.grouped(metric, "device").get(device, ())
        return group[0].since(begin_ns) if group else None

    def count(metric: str) -> float:
        found = recent(metric)
        return found.total if found else 0.0

    received = recent("network_receive_packets_total")
    lost = {
        name: found
        for name in ("missed_errors", "fifo")
        if (found := recent(f"network_receive_{name}_total"))
    }
    lost |= _by_driver(device, samples, begin_ns)
    counter = max(lost, key=lambda name: lost[name].total, default="")
    fact = f"nic.{device}."
    return DeviceDrops(
        device=device,
        seconds=_seconds(received),
        packets=received.total if received else 0.0,
        missed=lost[counter].total if counter else 0.0,
        counter=counter,
        kernel_drops=count("network_receive_drop_total"),
        nohandler=count("network_receive_nohandler_total"),
        passes=sum(bool(value) for value in lost[counter].values.tolist()) if counter else 0,
        ring=samples.number(f"{fact}rx_ring"),
        ring_max=samples.number(f"{fact}rx_ring_max"),
        queues=samples.number(f"{fact}combined") or samples.number(f"{fact}rx_channels"),
        queues_max=samples.number(f"{fact}combined_max") or samples.number(f"{fact}rx_channels_max"),
        driver=samples.facts.get(f"{fact}driver", ""),
    )


def _by_driver(device: str, samples: Samples, begin_ns: int) -> Mapping[str, Series]:
    """Counters of single queues are left to the one that adds them up, where there is one."""
    found = {
        each.labels.get("counter", ""): each.since(begin_ns)
        for each in samples.grouped("network_driver_drops_total", "device").get(device, ())
    }
    return {name: each for name, each in found.items() if _NO_ROOM.search(name) and not _SENDING.search(name)}


def _seconds(received: Series | None) -> float:
    if received is None or len(received.values) < 2:
        return RECENT_SECONDS
    times = received.times_ns
    return float(times[-1] - times[0]) / 1e9 * len(times) / (len(times) - 1)
