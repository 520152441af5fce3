"""Limits that a run has to hold, such as p99 at most 80 ms: passed, failed, or not measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Gate:
    """`measure` is a name of `correlate.comparison` or of a load test; its value may be `at_most` so much."""

    measure: str
    at_most: float


@dataclass(frozen=True, slots=True)
class Held:
    gate: Gate
    value: float | None
    outcome: Literal["passed", "failed", "not measured"]


def hold(gates: Sequence[Gate], measured: Mapping[str, float]) -> tuple[Held, ...]:
    """Absence never passes."""
    return tuple(_held(gate, measured.get(gate.measure)) for gate in gates)


def _held(gate: Gate, value: float | None) -> Held:
    if value is None:
        return Held(gate, None, "not measured")
    return Held(gate, value, "passed" if value <= gate.at_most else "failed")
