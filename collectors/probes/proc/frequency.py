"""Clock rate of the CPUs against their best, and how often heat held them back, from cpufreq and thermal_throttle."""

# ruff: noqa: PTH208 - one style with the other readers of /proc and /sys
from __future__ import annotations

import os
import re
from collections.abc import Iterator

from collectors.kernel import procfs
from collectors.probe import Cost, Host, Metric, NoData
from collectors.readings import ChangedFacts, Counters, Series, gauge
from collectors.wire import Sample

# Asking a CPU for its rate interrupts it; a few tell enough of a host with hundreds.
MOST_CPUS = 16
_FREQUENCIES = {
    "scaling_cur_freq": ("cpu_scaling_frequency_hertz", "Clock rate now."),
    "scaling_max_freq": ("cpu_scaling_frequency_max_hertz", "The most that the settings allow."),
    "cpuinfo_max_freq": ("cpu_frequency_max_hertz", "The most that the CPU can do."),
}
_THROTTLES = {
    "core_throttle_count": ("cpu_core_throttles_total", "Times heat slowed the core down."),
    "package_throttle_count": ("cpu_package_throttles_total", "Times heat slowed the package down."),
}
_CPU = re.compile(r"cpu(\d+)")


class Frequency:
    """A governor's name is no evidence: `powersave` of intel_pstate reaches the full rate."""

    NAME = "frequency"
    COST: Cost = "moderate"
    INTERVAL_SECONDS = 30.0
    METRICS: tuple[Metric, ...] = (
        *(Metric(name, "", text, ("cpu",)) for name, text in _FREQUENCIES.values()),
        *(Metric(name, "", text, ("cpu",), True) for name, text in _THROTTLES.values()),
    )

    def __init__(self) -> None:
        self._counters = Counters()
        self._facts = ChangedFacts()

    def collect(self, host: Host) -> Iterator[Sample]:
        """NoData in most virtual machines: the hypervisor keeps the clock to itself."""
        base = f"{host.sys}/devices/system/cpu"
        readings: dict[Series, float] = {}
        told = False
        for cpu in _cpus(base):
            labels = {"cpu": cpu}
            for file, (metric, _) in _FREQUENCIES.items():
                kilohertz = _number(f"{base}/cpu{cpu}/cpufreq/{file}")
                if kilohertz is not None:
                    told = True
                    yield gauge(metric, host.now_ns, kilohertz * 1000, labels)
            for file, (metric, _) in _THROTTLES.items():
                value = _number(f"{base}/cpu{cpu}/thermal_throttle/{file}")
                if value is not None:
                    readings[metric, (("cpu", cpu),)] = value
        if not told and not readings:
            raise NoData(f"{base} has neither cpufreq nor thermal_throttle: usual in a virtual machine")
        names = ("scaling_governor", "scaling_driver", "energy_performance_preference")
        facts = ((f"cpu.{name}", _text(f"{base}/cpu0/cpufreq/{name}")) for name in names)
        yield from self._facts.news(host.now_ns, facts)
        yield from self._counters.points(host.now_ns, readings)


def _cpus(base: str) -> list[str]:
    """At most 16, evenly spread."""
    try:
        found = sorted(int(match[1]) for name in os.listdir(base) if (match := _CPU.fullmatch(name)))
    except OSError:
        return []
    step = -(-len(found) // MOST_CPUS) or 1
    return [str(number) for number in found[::step]]


def _number(path: str) -> int | None:
    try:
        return procfs.number(procfs.read(path).strip())
    except OSError:
        return None


def _text(path: str) -> str:
    try:
        return procfs.read(path).decode("utf-8", "replace").strip()
    except OSError:
        return ""
