"""Keeps a dear pack within its share of the host: after a busy interval it rests for as many as that cost too much."""

from __future__ import annotations

from dataclasses import dataclass

# Share of one core that a pack may take on average, of all that its programs interrupt together.
MOST_SHARE = 0.03
MOST_RESTS = 20


@dataclass(frozen=True, slots=True)
class Duty:
    """An event costs `event_seconds`, 0 when that is nothing to speak of; the rest are bounds."""

    event_seconds: float = 0.0
    most_share: float = MOST_SHARE
    most_rests: int = MOST_RESTS

    def rests_after(self, events: int, seconds: float) -> int:
        """How many intervals to rest after one of `seconds` with so many events."""
        share = events * self.event_seconds / max(seconds, 0.001)
        return min(max(0, round(share / self.most_share) - 1), self.most_rests)
