"""The host that advice is for, as its facts tell: size, kernel, settings. Absence is None, never a guess."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

_RELEASE = re.compile(r"(\d+)\.(\d+)")


@dataclass(frozen=True, slots=True)
class Machine:
    """`facts` as collectors send them: `memory.total_bytes`, `sysctl.NAME`, `service.NAME.command` …"""

    facts: Mapping[str, str]

    def number(self, fact: str) -> int | None:
        text = self.facts.get(fact, "").strip()
        return int(text) if text.isdecimal() else None

    @property
    def memory_bytes(self) -> int | None:
        return self.number("memory.total_bytes")

    @property
    def cpus(self) -> int | None:
        return self.number("cpu.count")

    @property
    def kernel(self) -> tuple[int, int] | None:
        """Major and minor version."""
        match = _RELEASE.match(self.facts.get("kernel.release", ""))
        return (int(match[1]), int(match[2])) if match else None

    def lacks(self, sysctl: str) -> bool:
        """Whether the collector, which read the kernel's settings, found none of that name.

        Some (netdev_max_backlog, tcp_mem …) are the first network namespace's only: inside another one they are not.
        """
        read = any(name.startswith("sysctl.") for name in self.facts)
        return read and f"sysctl.{sysctl}" not in self.facts

    def of_service(self, service: str, what: str) -> str:
        """A fact about how a service was started, '' where it is not known."""
        return self.facts.get(f"service.{service}.{what}", "")
