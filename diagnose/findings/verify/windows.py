"""Which time before a change is compared with the time since: the hour before, and the same hours of the day before."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

# Restarts, full caches and clocks that are half a minute off (which ingest leaves as they are) are nobody's effect.
SETTLE = timedelta(seconds=30)
LEAST_BEFORE, MOST_BEFORE = timedelta(minutes=10), timedelta(hours=1)
MOST_AFTER = timedelta(hours=1)
DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Span:
    start: datetime
    end: datetime

    @property
    def seconds(self) -> float:
        return (self.end - self.start).total_seconds()


def after(changed_at: datetime, now: datetime) -> Span:
    """At most an hour: what comes later may have other causes."""
    return Span(changed_at + SETTLE, min(now, changed_at + MOST_AFTER))


def before(changed_at: datetime, now: datetime, opened_at: datetime) -> list[Span]:
    """As long as the time since, from ten minutes to an hour; and the same time of the day before, where the finding
    was there then."""
    length = min(MOST_BEFORE, max(LEAST_BEFORE, now - changed_at))
    spans = [Span(changed_at - SETTLE - length, changed_at - SETTLE)]
    since = after(changed_at, now)
    yesterday = Span(since.start - DAY, since.end - DAY)
    if opened_at <= yesterday.start < yesterday.end:
        spans.append(yesterday)
    return spans
