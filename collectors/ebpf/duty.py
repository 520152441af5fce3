"""Keeps a dear pack within its share of the host: after a busy interval it rests for as many as that cost too much."""

from __future__ import annotations

# Share of one core that a pack may take on average, of all that its programs interrupt together.
MOST_SHARE = 0.03
MOST_RESTS = 20


def rests_after(events: int, event_seconds: float, seconds: float) -> int:
    """How many intervals to rest after one of `seconds` in which so many events took `event_seconds` each."""
    share = events * event_seconds / max(seconds, 0.001)
    return min(max(0, round(share / MOST_SHARE) - 1), MOST_RESTS)
