"""Which local ports outgoing connections may take, and whether those in TIME_WAIT may be taken again."""

from __future__ import annotations

from dataclasses import dataclass

from diagnose.correlate.samples import Samples

READS: tuple[str, ...] = ()
FACTS = (
    "sysctl.net.ipv4.ip_local_port_range",
    "sysctl.net.ipv4.tcp_tw_reuse",
    "sysctl.net.ipv4.tcp_timestamps",
)


@dataclass(frozen=True, slots=True)
class LocalPorts:
    """Of the host's own network namespace. `tw_reuse`: 0 never, 1 always, 2 on loopback only."""

    first: int
    last: int
    tw_reuse: int | None
    timestamps: int | None

    @property
    def count(self) -> int:
        return self.last - self.first + 1

    @classmethod
    def derive(cls, samples: Samples) -> LocalPorts | None:
        bounds = samples.facts.get("sysctl.net.ipv4.ip_local_port_range", "").split()
        if len(bounds) != 2 or not all(bound.isdecimal() for bound in bounds):
            return None
        first, last = map(int, bounds)
        return (
            cls(
                first,
                last,
                samples.number("sysctl.net.ipv4.tcp_tw_reuse"),
                samples.number("sysctl.net.ipv4.tcp_timestamps"),
            )
            if last >= first
            else None
        )
