"""The table of tracked connections: how full it is, and what it turned away."""

from __future__ import annotations

from dataclasses import dataclass

from diagnose.correlate.samples import Samples

READS = (
    "nf_conntrack_entries",
    "nf_conntrack_entries_limit",
    "nf_conntrack_stat_drop_total",
    "nf_conntrack_stat_early_drop_total",
)
FACTS = ("sysctl.net.netfilter.nf_conntrack_buckets",)

RECENT_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class ConntrackTable:
    """Of the host's own network namespace. Drops are of the last `RECENT_SECONDS`; `per_second` is how entries grow."""

    entries: float
    limit: float
    drops: float
    early_drops: float
    per_second: float
    buckets: int | None

    @classmethod
    def derive(cls, samples: Samples) -> ConntrackTable | None:
        entries, limit = samples.of("nf_conntrack_entries"), samples.of("nf_conntrack_entries_limit")
        if not entries or not limit or not limit[0].last:
            return None
        begin_ns = samples.end_ns - int(RECENT_SECONDS * 1e9)

        def total(metric: str) -> float:
            return sum(each.since(begin_ns).total for each in samples.of(metric))

        count = entries[0]
        seconds = float(count.times_ns[-1] - count.times_ns[0]) / 1e9
        grown = (count.last - float(count.values[0])) / seconds if seconds else 0.0
        return cls(
            count.last,
            limit[0].last,
            total("nf_conntrack_stat_drop_total"),
            total("nf_conntrack_stat_early_drop_total"),
            grown,
            samples.number(FACTS[0]),
        )
