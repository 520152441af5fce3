"""`/storage`: what is kept, how it grows and when the room for it ends."""

from __future__ import annotations

from django.utils import timezone

from diagnose.access.endpoints import ApiRequest, endpoint
from diagnose.models.access import Role
from diagnose.reports import storage_words
from diagnose.reports.forecast import Forecast, Rate
from diagnose.reports.storage import ClassRow, DayRow
from diagnose.reports.storage import storage as report
from diagnose.web.api import storage_answers as answers
from diagnose.web.api.describe import described

_MOST_DROPPED = 1000


@endpoint("GET", role=Role.VIEWER)
@described(answer=answers.Storage)
def storage(_request: ApiRequest) -> answers.Storage:
    """Bytes by class and day, their growth, and the forecast."""
    found = report(timezone.now(), _MOST_DROPPED)
    room, queue = found.room, found.queue
    return answers.Storage(
        headline=storage_words.headline(found),
        telemetry_bytes=found.telemetry_bytes,
        budget_bytes=found.budget_bytes,
        database_bytes=found.database_bytes,
        engine=found.engine,
        disk=answers.Disk(room.total_bytes, room.free_bytes, room.reserved_bytes, room.is_full),
        classes=[_class(place, row, found.days) for place, row in enumerate(found.classes)],
        forecast=_forecast(found.forecast) if found.forecast else None,
        queue=answers.Queue(queue.waiting, queue.memory_bytes) if queue else None,
        quarantined_batches=found.quarantined,
        lost_batches=found.lost,
        dropped=[
            answers.Dropped(each.title, each.day, each.bytes, each.reason, each.at) for each in found.dropped
        ],
    )


def _class(place: int, row: ClassRow, days: tuple[DayRow, ...]) -> answers.DataClass:
    sizes = ((day.day, day.bytes[place]) for day in days)
    return answers.DataClass(
        kind=row.what.kind,
        title=row.what.title,
        setting=row.what.setting,
        kept_days=row.what.kept_days,
        bytes=row.bytes,
        rate=_rate(row.rate) if row.rate else None,
        days=[answers.DayBytes(day, size) for day, size in sizes if size is not None],
    )


def _rate(rate: Rate) -> answers.Rate:
    return answers.Rate(rate.median, rate.low, rate.high)


def _forecast(found: Forecast) -> answers.Forecast:
    full = found.full
    return answers.Forecast(
        _rate(found.rate),
        found.level_bytes,
        answers.Full(full.limit, full.days, full.soonest, full.latest) if full else None,
    )
