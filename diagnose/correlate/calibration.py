"""What the confidence model and each rule were measured to be worth on the fault corpus; written by its fitting."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import msgspec

from diagnose.correlate.interval import wilson


@dataclass(frozen=True, slots=True)
class Band:
    """Of the verdicts that claimed a confidence in the half-open band, how many were right."""

    low: float
    high: float
    claimed: float
    count: int
    right: int

    @property
    def share(self) -> float:
        return self.right / self.count

    @property
    def interval(self) -> tuple[float, float]:
        return wilson(self.right, self.count)


@dataclass(frozen=True, slots=True)
class Measured:
    """Of one rule: runs with this cause and in how many it was found; its findings, and how many were true."""

    runs: int
    found: int
    findings: int
    right: int

    @property
    def recall(self) -> float | None:
        return self.found / self.runs if self.runs else None

    @property
    def precision(self) -> float | None:
        return self.right / self.findings if self.findings else None


@dataclass(frozen=True, slots=True)
class Half:
    """Weights fitted to one half of the families of faults, judged on the other: of `sure` claims of 90 % and more
    `right` were. `wrong` verdicts are what weights are told apart by."""

    fitted_on: tuple[str, ...]
    examples: int
    wrong: int
    brier: float
    sure: int
    right: int


@dataclass(frozen=True, slots=True)
class Calibration:
    """`reliability` is of the weights in use; `why` says why they are, or are not, the fitted ones."""

    recordings: int
    examples: int
    wrong: int
    brier: float
    why: str
    halves: tuple[Half, ...]
    reliability: tuple[Band, ...]
    rules: Mapping[str, Measured]


@cache
def calibration() -> Calibration:
    """The data beside this module."""
    return msgspec.json.decode(
        files("diagnose.correlate").joinpath("calibration.json").read_bytes(), type=Calibration
    )
