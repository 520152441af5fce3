"""Keeps what costs CPU to a share of one core, by resting until it is paid for."""

from __future__ import annotations


class Pace:
    """`share` of one core. What was spent since a moment is paid for that long after it; nothing is saved up."""

    def __init__(self, share: float) -> None:
        self._share = share
        self._paid_until = 0.0

    def spend(self, since: float, cpu_seconds: float) -> None:
        self._paid_until = max(self._paid_until, since) + cpu_seconds / self._share

    def correct(self, cpu_seconds: float) -> None:
        """What was spent turned out to be so much more, or less."""
        self._paid_until += cpu_seconds / self._share

    def rest_seconds(self, now: float) -> float:
        """How long until all is paid for; 0 when it is."""
        return max(0.0, self._paid_until - now)
