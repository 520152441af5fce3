"""How many connections wait in TIME_WAIT, and how many may."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from diagnose.correlate.samples import Samples

READS = ("tcp_connection_states", "sockstat_TCP_tw")
FACTS = ("sysctl.net.ipv4.tcp_max_tw_buckets",)


@dataclass(frozen=True, slots=True)
class TimeWaits:
    """The last count by network namespace; `limit` is that of the host's own."""

    by_netns: Mapping[str, float]
    limit: int | None

    @classmethod
    def derive(cls, samples: Samples) -> TimeWaits | None:
        found: dict[str, float] = {}
        if own := samples.of("sockstat_TCP_tw"):
            found[""] = own[0].last
        for each in samples.of("tcp_connection_states"):
            if each.labels.get("state") == "time_wait":
                found.setdefault(each.labels.get("netns", ""), each.last)
        return cls(found, samples.number("sysctl.net.ipv4.tcp_max_tw_buckets")) if found else None
