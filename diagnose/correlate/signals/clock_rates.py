"""How fast the CPUs run against the best they can, and whether heat or settings hold them back."""

from __future__ import annotations

from dataclasses import dataclass

from diagnose.correlate.samples import Samples

READS = (
    "cpu_scaling_frequency_hertz",
    "cpu_scaling_frequency_max_hertz",
    "cpu_frequency_max_hertz",
    "cpu_core_throttles_total",
    "cpu_package_throttles_total",
)


@dataclass(frozen=True, slots=True)
class ClockRate:
    """One CPU, in hertz; `now` is the mean of the window's readings. None: not told."""

    cpu: int
    now: float
    allowed: float | None
    best: float


@dataclass(frozen=True, slots=True)
class ClockRates:
    """CPUs that tell their rate, and how often heat slowed any down in the window; None where that is not counted."""

    cpus: tuple[ClockRate, ...]
    throttles: float | None

    @classmethod
    def derive(cls, samples: Samples) -> ClockRates | None:
        now, allowed, best = (samples.grouped(metric, "cpu") for metric in READS[:3])
        found = [
            ClockRate(
                cpu=int(cpu),
                now=float(series[0].values.mean()),
                allowed=allowed[cpu][0].last if cpu in allowed else None,
                best=best[cpu][0].last,
            )
            for cpu, series in now.items()
            if cpu in best and cpu.isdecimal() and best[cpu][0].last > 0
        ]
        throttles = [each.total for metric in READS[3:] for each in samples.of(metric)]
        return cls(tuple(found), max(throttles) if throttles else None) if found else None
