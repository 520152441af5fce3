"""Stacks of one service or process of an interval become `wire.Stacks`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from collectors import wire
from collectors.capture.interned import Interned

Measure = Literal["cpu", "offcpu"]


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose stacks they are: `pid` 0 for what has none, the kernel's threads and processes that have ended."""

    service: str
    pid: int = 0

    @property
    def labels(self) -> dict[str, str]:
        return {"runtime": "native", **({"pid": str(self.pid)} if self.pid else {})}


@dataclass(frozen=True, slots=True)
class Span:
    """When; `period_ns` is the time that one of a sample's value stands for."""

    start_ns: int
    end_ns: int
    period_ns: int


def to_wire(
    measure: Measure, owner: Owner, found: Interned, span: Span, capture_id: str | None = None
) -> wire.Stacks:
    strings, columns = found.columns()
    unit: wire.ProfileUnit = "samples" if measure == "cpu" else "nanoseconds"
    times = span.start_ns, span.end_ns, span.period_ns
    return wire.Stacks(measure, unit, owner.service, owner.labels, *times, strings, columns, capture_id)
