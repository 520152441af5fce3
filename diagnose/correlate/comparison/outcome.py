"""What the estimates and the finding itself come to: improved, no effect, worse, or not enough data yet."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from diagnose.correlate.comparison.estimates import LEAST_FREEDOM, RUN_SECONDS, Estimate
from diagnose.correlate.comparison.side import Side

Verdict = Literal["improved", "no effect", "worse", "not enough data"]
# s; so many runs that an interval can be given at all, and a little more for tiles without a match
ENOUGH_SECONDS = (LEAST_FREEDOM + 1) * RUN_SECONDS
# "No effect" is only said where an effect of that size would have been seen.
PRECISE = 0.25
LONGEST_WAIT_SECONDS = 86_400.0


@dataclass(frozen=True, slots=True)
class Presence:
    """Whether the finding itself is still seen after the change, for how long not, and how long that must be.

    `needed_seconds` is longer for a trouble that used to pause: a pause is no end.
    """

    seen: bool
    absent_seconds: float
    needed_seconds: float

    @property
    def gone(self) -> bool:
        return not self.seen and self.absent_seconds >= self.needed_seconds


@dataclass(frozen=True, slots=True)
class Outcome:
    """`wait_seconds` until there is probably enough data; 0 where there is."""

    verdict: Verdict
    reason: str
    wait_seconds: float = 0.0


def outcome(
    estimates: Sequence[Estimate],
    after: Side,
    presence: Presence | None = None,
    comparable_seconds: float = 0.0,
) -> Outcome:
    """`comparable_seconds` of the time after the change had a load that was there before as well."""
    harmed = [each for each in estimates if each.worse]
    if harmed:
        return Outcome("worse", f"{_names(harmed)} became worse at the same load")
    own = [each for each in estimates if each.measure.own]
    if presence is not None:
        return _of_finding(own, presence, comparable_seconds, after)
    return _of_measures(estimates, after)


def _of_finding(
    own: Sequence[Estimate], presence: Presence, comparable_seconds: float, after: Side
) -> Outcome:
    """A finding is its own measure: gone for long enough at a load at which it was there."""
    needed = max(presence.needed_seconds, ENOUGH_SECONDS)
    if comparable_seconds < ENOUGH_SECONDS and not presence.seen:
        return _wait(
            "too little of the load since then was there before", ENOUGH_SECONDS - comparable_seconds
        )
    if presence.gone:
        better = [each for each in own if each.better]
        told = f", and {_names(better)} fell" if better else ""
        return Outcome("improved", f"it has not been seen for {presence.absent_seconds:.0f} s{told}")
    if not presence.seen:
        left = needed - presence.absent_seconds
        return _wait(f"it has not been seen for {presence.absent_seconds:.0f} s", left)
    since = after.tiles * after.tile_seconds
    if since < needed:
        return _wait("it is still seen, but a change may need a moment", needed - since)
    return Outcome("no effect", "it is still seen")


def _of_measures(estimates: Sequence[Estimate], after: Side) -> Outcome:
    better = [each for each in estimates if each.better]
    if better:
        return Outcome("improved", f"{_names(better)} became better at the same load")
    if not estimates:
        since = after.tiles * after.tile_seconds
        return _wait("too little time at a load that was there on both sides", ENOUGH_SECONDS - since)
    widest = min(estimates, key=lambda each: each.half_width)
    if widest.half_width <= PRECISE:
        return Outcome("no effect", f"a change of {widest.half_width:.0%} would have been seen")
    # An interval narrows with the square root of the time.
    seconds = after.tiles * after.tile_seconds * ((widest.half_width / PRECISE) ** 2 - 1)
    return _wait(f"the interval is still ±{min(widest.half_width, 9.99):.0%} wide", seconds)


def _wait(reason: str, seconds: float) -> Outcome:
    known = seconds if math.isfinite(seconds) else LONGEST_WAIT_SECONDS
    return Outcome("not enough data", reason, min(LONGEST_WAIT_SECONDS, max(10.0, known)))


def _names(estimates: Sequence[Estimate]) -> str:
    return ", ".join(each.measure.title for each in estimates)
