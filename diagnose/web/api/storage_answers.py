"""What `/storage` answers. Bytes are on disk, days are UTC; None is "not known", never zero."""

from __future__ import annotations

from datetime import date, datetime

from diagnose.web.api.answers import Answer


class Rate(Answer, frozen=True):
    """Bytes a day: the median of the full days with its interval (at least 90 % from five days on)."""

    median: float
    low: float | None
    high: float | None


class Full(Answer, frozen=True):
    """In how many days `limit` is reached; `latest` is None when at the low rate it never is, or nobody can say."""

    limit: str
    days: int
    soonest: int | None
    latest: int | None


class Forecast(Answer, frozen=True):
    """`level_bytes` is where retention would hold telemetry; `full` is None when that is within all limits."""

    rate: Rate
    level_bytes: float
    full: Full | None


class DayBytes(Answer, frozen=True):
    """One day of one class."""

    day: date
    bytes: int


class DataClass(Answer, frozen=True):
    """A class of data that is kept for `kept_days`, as `setting` says."""

    kind: str
    title: str
    setting: str
    kept_days: int
    bytes: int
    rate: Rate | None
    days: list[DayBytes]


class Disk(Answer, frozen=True):
    """The file system of DATA_DIR; below `reserved_bytes` free nothing new is stored."""

    total_bytes: int
    free_bytes: int
    reserved_bytes: int
    full: bool


class Queue(Answer, frozen=True):
    """Tasks that wait, and the memory of the queue's server."""

    waiting: int
    memory_bytes: int


class Dropped(Answer, frozen=True):
    """One class of one day that is gone, and why."""

    title: str
    day: date
    bytes: int
    reason: str
    at: datetime


class Storage(Answer, frozen=True):
    """`headline` says it in a sentence; `forecast` is None when it is too early, `queue` when it does not answer."""

    headline: str
    telemetry_bytes: int
    budget_bytes: int
    database_bytes: int
    engine: str
    disk: Disk
    classes: list[DataClass]
    forecast: Forecast | None
    queue: Queue | None
    quarantined_batches: int
    lost_batches: int
    dropped: list[Dropped]
