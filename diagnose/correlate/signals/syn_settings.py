"""Whether the kernel answers with SYN cookies."""

from __future__ import annotations

from dataclasses import dataclass

from diagnose.correlate.samples import Samples

READS: tuple[str, ...] = ()
FACTS = ("sysctl.net.ipv4.tcp_syncookies",)


@dataclass(frozen=True, slots=True)
class SynSettings:
    """Of the host's own network namespace; `cookies`: 0 never, 1 when the queue is full, 2 always."""

    cookies: int

    @classmethod
    def derive(cls, samples: Samples) -> SynSettings | None:
        cookies = samples.number("sysctl.net.ipv4.tcp_syncookies")
        return None if cookies is None else cls(cookies)
