"""What a fact was when: readings come late and out of order, and the history is the one they tell in order of time.

A reading that says what is believed already is not kept, but for the last one.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from operator import itemgetter

Start = tuple[datetime, str]


@dataclass(frozen=True, slots=True)
class History:
    """`starts` are (since when, value), ascending, neighbours different; the last was read again at `read_at`."""

    starts: tuple[Start, ...]
    read_at: datetime

    @property
    def value(self) -> str:
        return self.starts[-1][1]


def told(history: History, at: datetime, value: str) -> History:
    """With one more reading. Of two of one time the first to come counts."""
    starts = history.starts
    if at > history.read_at:
        return History(starts if value == history.value else (*starts, (at, value)), at)
    place = bisect_right(starts, at, key=itemgetter(0))
    before, after = starts[:place], starts[place:]
    if at == history.read_at or (before and (before[-1][0] == at or before[-1][1] == value)):
        return history
    if not after:
        after = ((history.read_at, history.value),)
    elif after[0][1] == value:
        after = after[1:]
    return History((*before, (at, value), *after), history.read_at)


def changes(starts: Sequence[Start]) -> list[tuple[datetime, str, str]]:
    """(when, before, after)."""
    return [(at, before, after) for (_, before), (at, after) in pairwise(starts)]
