"""What memory management of the whole host had to do lately: reclaim that tasks wait for, swap traffic, kills."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from diagnose.correlate.samples import Samples

READS = (
    "memory_MemTotal_bytes",
    "memory_MemAvailable_bytes",
    "memory_SwapTotal_bytes",
    "memory_SwapFree_bytes",
    "vmstat_pswpin",
    "vmstat_pswpout",
    "vmstat_pgmajfault",
    "vmstat_allocstall",
    "vmstat_pgscan_direct",
    "vmstat_pgscan_kswapd",
    "vmstat_compact_stall",
    "vmstat_oom_kill",
    "pressure_memory_waiting_seconds_total",
    "pressure_memory_stalled_seconds_total",
)
FACTS = ("sysctl.vm.min_free_kbytes", "sysctl.vm.watermark_scale_factor", "sysctl.vm.swappiness")

RECENT_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class HostMemory:
    """Sizes in bytes, `rates` in events per second over the last passes, by the kernel's name for them.

    `kills` are those of the whole window, and `least_available` is the least in it.
    """

    total: float
    available: float
    least_available: float
    swap_total: float
    swap_used: float
    rates: Mapping[str, float]
    kills: float | None
    settings: Mapping[str, int]

    def rate(self, name: str) -> float:
        """0 where this kernel does not count it."""
        return self.rates.get(name, 0.0)

    @classmethod
    def derive(cls, samples: Samples) -> HostMemory | None:
        total = _last(samples, "memory_MemTotal_bytes")
        available = _last(samples, "memory_MemAvailable_bytes")
        rates = dict(_rates(samples))
        if total is None or available is None or not rates:
            return None
        swap_total = _last(samples, "memory_SwapTotal_bytes") or 0.0
        settings = {fact.removeprefix("sysctl.vm."): samples.number(fact) for fact in FACTS}
        kills = samples.of("vmstat_oom_kill")
        return cls(
            total=total,
            available=available,
            least_available=float(samples.of("memory_MemAvailable_bytes")[0].values.min()),
            swap_total=swap_total,
            swap_used=swap_total - (_last(samples, "memory_SwapFree_bytes") or 0.0),
            rates=rates,
            kills=kills[0].total if kills else None,
            settings={name: value for name, value in settings.items() if value is not None},
        )


def _last(samples: Samples, metric: str) -> float | None:
    series = samples.of(metric)
    return series[0].last if series else None


def _rates(samples: Samples) -> list[tuple[str, float]]:
    begin_ns = samples.end_ns - int(RECENT_SECONDS * 1e9)
    counted = (name for name in READS if name.startswith(("vmstat_", "pressure_")))
    found = ((name, each.per_second(begin_ns)) for name in counted for each in samples.of(name))
    return [
        (name.removeprefix("vmstat_").removesuffix("_seconds_total"), rate)
        for name, rate in found
        if rate is not None
    ]
