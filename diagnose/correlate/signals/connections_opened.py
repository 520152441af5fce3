"""How many connections the programs of this host open."""

from __future__ import annotations

from dataclasses import dataclass

from diagnose.correlate.samples import Samples

READS = ("netstat_Tcp_ActiveOpens",)

RECENT_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class ConnectionsOpened:
    """In the network namespace with most of them."""

    per_second: float

    @classmethod
    def derive(cls, samples: Samples) -> ConnectionsOpened | None:
        begin_ns = samples.end_ns - int(RECENT_SECONDS * 1e9)
        rates = [each.per_second(begin_ns) for each in samples.of("netstat_Tcp_ActiveOpens")]
        known = [rate for rate in rates if rate is not None]
        return cls(max(known)) if known else None
