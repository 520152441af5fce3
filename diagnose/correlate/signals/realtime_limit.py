"""How much of each period real-time tasks may take together."""

from __future__ import annotations

from dataclasses import dataclass

from diagnose.correlate.samples import Samples

READS: tuple[str, ...] = ()
FACTS = ("sysctl.kernel.sched_rt_runtime_us",)


@dataclass(frozen=True, slots=True)
class RealtimeLimit:
    """Of each second (sched_rt_period_us); -1 is no limit."""

    runtime_us: int

    @property
    def switched_off(self) -> bool:
        return self.runtime_us < 0

    @classmethod
    def derive(cls, samples: Samples) -> RealtimeLimit | None:
        text = samples.facts.get(FACTS[0], "").strip()
        return cls(int(text)) if text.removeprefix("-").isdecimal() else None
