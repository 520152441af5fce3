"""Where the time of each CPU went lately."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from diagnose.correlate.samples import Samples

READS = ("cpu_seconds_total",)

RECENT_SECONDS = 30.0
# of a CPU's time; readings of whose modes some are lost add up to less
OFF = 0.15
_IDLE = ("idle", "iowait")


@dataclass(frozen=True, slots=True)
class CpuTime:
    """Shares 0…1 of the time of each CPU, by its number and mode."""

    by_cpu: Mapping[int, Mapping[str, float]]

    @property
    def count(self) -> int:
        return len(self.by_cpu)

    def share(self, *modes: str) -> float:
        """Of all CPUs."""
        return sum(cpu.get(mode, 0.0) for cpu in self.by_cpu.values() for mode in modes) / max(self.count, 1)

    @property
    def idle(self) -> float:
        """Waiting for a disk included: such a CPU runs whoever is ready."""
        return self.share(*_IDLE)

    def idle_of(self, cpu: int) -> float:
        return sum(self.by_cpu[cpu].get(mode, 0.0) for mode in _IDLE)

    @classmethod
    def derive(cls, samples: Samples) -> CpuTime | None:
        begin_ns = samples.end_ns - int(RECENT_SECONDS * 1e9)
        seconds: dict[int, dict[str, float]] = {}
        for series in samples.of("cpu_seconds_total"):
            rate, cpu = series.per_second(begin_ns), series.labels.get("cpu", "")
            if rate is not None and cpu.isdecimal():
                seconds.setdefault(int(cpu), {})[series.labels.get("mode", "")] = rate
        # by what was counted, not by the clock: readings are not taken at the same moment
        shares = {
            cpu: {mode: value / sum(modes.values()) for mode, value in modes.items()}
            for cpu, modes in seconds.items()
            if abs(sum(modes.values()) - 1.0) <= OFF
        }
        return cls(shares) if shares else None
