"""The most that a setting may safely be, and why."""

from __future__ import annotations

from dataclasses import dataclass

from diagnose.findings.advice.machine import Machine
from diagnose.findings.advice.words import size


@dataclass(frozen=True, slots=True)
class Bound:
    """`why` goes on after the words "cut to …: "."""

    highest: int
    why: str


def of_memory(machine: Machine, share: float, each_bytes: float, most: int, what: str) -> Bound:
    """As many as take that share of memory at `each_bytes`, at most `most`, which is all that is known without it."""
    memory = machine.memory_bytes
    if memory is None or memory * share / each_bytes >= most:
        return Bound(most, f"no more is of use or is taken by the kernel ({what})")
    why = (
        f"{what} at {size(each_bytes)} each would take more than {share:.0%} of the {size(memory)} of memory"
    )
    return Bound(int(memory * share / each_bytes), why)
