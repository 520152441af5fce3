"""The forecast and its surroundings in words, for somebody who reads them at three in the morning."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from diagnose.reports.forecast import Full, Rate
from diagnose.reports.storage import Storage
from diagnose.store.usage import Dropped
from diagnose.templatetags.quantities import size


def headline(storage: Storage) -> str:
    """What there is to know first, in one sentence."""
    if storage.room.is_full:
        return "The disk is full: nothing new is stored"
    if storage.forecast is None:
        return "Nothing is stored yet" if not storage.telemetry_bytes else "Too early for a forecast"
    full, level = storage.forecast.full, size(storage.forecast.level_bytes)
    if full is None:
        return f"Retention keeps telemetry at about {level}"
    when = within(full)
    if full.limit == "disk":
        return f"The disk is full {when} at the present rate"
    return f"DISK_BUDGET ({size(storage.budget_bytes)}) is reached {when} at the present rate"


def within(full: Full) -> str:
    """Such as "in 23 days (19–31)"."""
    if full.days == 0:
        return "today"
    days = f"in {full.days} day{'' if full.days == 1 else 's'}"
    if full.soonest is None:
        return f"in about {days.removeprefix('in ')}"
    if full.latest is None:
        return f"{days} ({full.soonest} or later)"
    return days if full.soonest == full.latest else f"{days} ({full.soonest}–{full.latest})"


def consequence(storage: Storage) -> str:
    """What happens then, and what to do about it."""
    if storage.room.is_full:
        return (
            f"{size(storage.room.free_bytes)} are free of the {size(storage.room.reserved_bytes)} that must be. "
            "Collectors keep their data on their own disks and send it when there is room: free some space here. "
            "Nothing else has to be done."
        )
    if storage.forecast is None:
        if storage.telemetry_bytes:
            return "A forecast follows once an hour of today is stored."
        return "It fills with the first collector's data; a forecast follows an hour later."
    full = storage.forecast.full
    if full is None:
        return "That is within DISK_BUDGET and what the disk has. Nothing has to be done."
    if full.limit == "budget":
        return (
            "Then the oldest day of raw data goes for each new one; rollups go last. Raise DISK_BUDGET to keep "
            f"more: retention alone would come to {size(storage.forecast.level_bytes)}."
        )
    return (
        "Before that the oldest raw data goes to keep a little room free, and when that does not help nothing "
        "new is stored. Free some space, or lower DISK_BUDGET below what this disk has."
    )


def gone_early(dropped: Sequence[Dropped]) -> str:
    """Up to which day what had to go before its time, such as "profiles up to 12 Nov 2026, to stay within …"."""
    latest: dict[tuple[str, str], date] = {}
    for each in dropped:
        if each.forced:
            key = each.title, each.reason
            latest[key] = max(each.day, latest.get(key, each.day))
    words = [f"{title.lower()} up to {day:%-d %b %Y}, {why}" for (title, why), day in latest.items()]
    return f"Before their time: {'; '.join(words)}." if words else "Nothing had to go before its time."


def certainty(rate: Rate | None) -> str:
    """Where a rate comes from."""
    if rate is None:
        return "known after an hour of today"
    if rate.low is None or rate.high is None:
        return "from a single day; more will tell"
    return f"median of the full days; {_between(rate.low, rate.high)}"


def spread(rate: Rate | None) -> str:
    """A rate with its interval: "120 MiB (110–135 MiB)"."""
    if rate is None:
        return "–"
    if rate.low is None or rate.high is None:
        return f"about {size(rate.median)}"
    return f"{size(rate.median)} ({_between(rate.low, rate.high)})"


def _between(low: float, high: float) -> str:
    first, last = size(low), size(high)
    number, _, unit = first.partition(" ")
    return f"{number if last.endswith(f' {unit}') else first}–{last}"
