"""Which congestion control new connections get, and which others the kernel has loaded."""

from __future__ import annotations

from dataclasses import dataclass

from diagnose.correlate.samples import Samples

READS: tuple[str, ...] = ()
FACTS = ("sysctl.net.ipv4.tcp_congestion_control", "sysctl.net.ipv4.tcp_available_congestion_control")


@dataclass(frozen=True, slots=True)
class Congestion:
    """Of the host's own network namespace."""

    algorithm: str
    available: tuple[str, ...]

    @classmethod
    def derive(cls, samples: Samples) -> Congestion | None:
        algorithm = samples.facts.get(FACTS[0], "").strip()
        return cls(algorithm, tuple(samples.facts.get(FACTS[1], "").split())) if algorithm else None
