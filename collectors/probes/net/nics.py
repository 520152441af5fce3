"""Network cards: queues, rings, speed, who handles their interrupts and packets (facts), and drops their drivers count.

Facts are `nic.<device>.<what>` and `irq.<number>.<what>`. Virtual devices have no hardware to tell of and are left out.
"""

# ruff: noqa: PTH208 - one style with the other readers of /proc and /sys
from __future__ import annotations

import os
import re
from collections.abc import Iterator

from collectors.kernel import procfs
from collectors.kernel.ethtool import Ethtool
from collectors.probe import Cost, Host, Metric, NoData
from collectors.processes import processtable
from collectors.readings import ChangedFacts, Counters, Series
from collectors.wire import Sample

METRIC = "network_driver_drops_total"
MOST_DEVICES = 16
MOST_QUEUES = 64
MOST_COUNTERS = 32
_DROPS = re.compile(
    r"drop|miss|discard|fifo|overflow|no_?buf|nobuf|out_of_buf|_err|error|crc|timeout|exhaust"
)


class Nics:
    """What decides which CPU a packet is worked on, and where one is lost before the kernel sees it."""

    NAME = "nics"
    COST: Cost = "moderate"
    INTERVAL_SECONDS = 30.0
    METRICS: tuple[Metric, ...] = (
        Metric(METRIC, "", "Drops and errors by the driver's own counters.", ("device", "counter"), True),
    )

    def __init__(self) -> None:
        self._facts = ChangedFacts()
        self._counters = Counters()
        self._tools: dict[str, Ethtool] = {}

    def collect(self, host: Host) -> Iterator[Sample]:
        """NoData on a host without network cards."""
        devices = cards(host)
        if not devices:
            raise NoData(f"{host.sys}/class/net has no network card, only virtual devices")
        self._tools = {device: self._tools.get(device) or Ethtool(device) for device in devices}
        yield from self._facts.news(host.now_ns, _balancer(host))
        readings: dict[Series, float] = {}
        for device, tool in self._tools.items():
            yield from self._facts.news(host.now_ns, self._describe(host, device, tool))
            counters = {name: value for name, value in tool.counters().items() if _DROPS.search(name)}
            # Of hundreds (one per queue), those that ever counted.
            used = [(name, value) for name, value in counters.items() if value][:MOST_COUNTERS]
            for name, value in used:
                readings[METRIC, (("device", device), ("counter", name))] = value
        yield from self._counters.points(host.now_ns, readings)

    def _describe(self, host: Host, device: str, tool: Ethtool) -> Iterator[tuple[str, str]]:
        prefix = f"nic.{device}."
        driver = tool.driver()
        if driver:
            yield f"{prefix}driver", driver[0]
            yield f"{prefix}firmware", driver[1]
        for name, value in {**tool.rings(), **tool.channels()}.items():
            yield f"{prefix}{name}", str(value)
        base = f"{host.sys}/class/net/{device}"
        for name, file in {"speed_mbit": "speed", "mtu": "mtu", "numa_node": "device/numa_node"}.items():
            text = _read(f"{base}/{file}")
            if text != "-1":  # unknown
                yield f"{prefix}{name}", text
        yield from _steering(base, prefix)
        yield from _interrupts(host, base)


def _balancer(host: Host) -> Iterator[tuple[str, str]]:
    """Who moves interrupts between CPUs, and takes back what is set by hand; nothing before the table was read."""
    table = processtable.of(host.proc)
    if table.named(""):
        yield "irq.balancer", "irqbalance" if table.named("irqbalance") else "none"


def cards(host: Host) -> list[str]:
    """Devices with hardware (or a hypervisor's) behind them."""
    base = f"{host.sys}/class/net"
    try:
        names = sorted(os.listdir(base))
    except OSError:
        return []
    return [name for name in names if procfs.is_directory(f"{base}/{name}/device")][:MOST_DEVICES]


def _steering(base: str, prefix: str) -> Iterator[tuple[str, str]]:
    """RPS, RFS and XPS of each queue, as masks of CPUs."""
    try:
        queues = sorted(os.listdir(f"{base}/queues"))
    except OSError:
        return
    yield f"{prefix}rx_queues", str(sum(name.startswith("rx-") for name in queues))
    yield f"{prefix}tx_queues", str(sum(name.startswith("tx-") for name in queues))
    for queue in queues[:MOST_QUEUES]:
        files = ("rps_cpus", "rps_flow_cnt") if queue.startswith("rx-") else ("xps_cpus",)
        for file in files:
            yield f"{prefix}{queue}.{file}", _read(f"{base}/queues/{queue}/{file}")


def _interrupts(host: Host, base: str) -> Iterator[tuple[str, str]]:
    """CPUs that each of the card's interrupts may go to, and the one it does go to."""
    for number in interrupts(base)[:MOST_QUEUES]:
        directory = f"{host.proc}/irq/{number}"
        yield f"irq.{number}.affinity", _read(f"{directory}/smp_affinity_list")
        yield f"irq.{number}.effective_affinity", _read(f"{directory}/effective_affinity_list")


def interrupts(base: str) -> list[str]:
    """Numbers of the card's message-signalled interrupts; a virtio device's are its parent's."""
    for directory in (f"{base}/device/msi_irqs", f"{base}/device/../msi_irqs"):
        try:
            return sorted(os.listdir(directory), key=lambda name: (len(name), name))
        except OSError:
            continue
    return []


def _read(path: str) -> str:
    try:
        return procfs.read(path).decode("utf-8", "replace").strip()
    except OSError:
        return ""
