"""Memory of all TCP buffers of the machine, and sockets that no process holds any more, with their bounds."""

from __future__ import annotations

from dataclasses import dataclass

from diagnose.correlate.samples import Samples

READS = ("sockstat_TCP_mem", "sockstat_TCP_orphan")
FACTS = ("sysctl.net.ipv4.tcp_mem", "sysctl.net.ipv4.tcp_max_orphans")


@dataclass(frozen=True, slots=True)
class SocketMemory:
    """`pages` and its bounds (low, pressure, most) in pages; the orphans' greatest reading lately. Bounds are None
    where they are not known: in a network namespace they cannot be read."""

    pages: float
    bounds: tuple[int, int, int] | None
    orphans: float
    most_orphans: int | None

    @classmethod
    def derive(cls, samples: Samples) -> SocketMemory | None:
        memory, orphans = samples.of("sockstat_TCP_mem"), samples.of("sockstat_TCP_orphan")
        if not memory or not orphans:
            return None
        lately = orphans[0].since(samples.end_ns - 30 * 10**9)
        return cls(
            memory[0].last,
            _bounds(samples.facts.get("sysctl.net.ipv4.tcp_mem", "")),
            float(lately.values.max()) if len(lately.values) else orphans[0].last,
            samples.number("sysctl.net.ipv4.tcp_max_orphans"),
        )


def _bounds(text: str) -> tuple[int, int, int] | None:
    numbers = text.split()
    if len(numbers) != 3 or not all(number.isdecimal() for number in numbers):
        return None
    return int(numbers[0]), int(numbers[1]), int(numbers[2])
