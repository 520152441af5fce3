"""The classes of telemetry: what each holds, how long it is kept, and who goes first when space is short."""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings

from diagnose.store.schema import Kind


@dataclass(frozen=True, slots=True)
class DataClass:
    """One kind of a day's data. When space is short the oldest days of the lowest `rank` go first."""

    kind: Kind
    title: str
    note: str
    setting: str
    rank: int

    @property
    def kept_days(self) -> int:
        return int(settings.CONFIG[self.setting])


RAW = (
    DataClass("profiles", "Profiles", "every continuous profile as it came", "RETENTION_PROFILE_DAYS", 0),
    DataClass("points", "Readings", "every reading and histogram as it came", "RETENTION_POINT_DAYS", 0),
    DataClass("captures", "Captures", "what people asked for", "RETENTION_CAPTURE_DAYS", 1),
)
CLASSES = (
    *RAW,
    DataClass(
        "rollup", "Rollups", "readings by the minute, profiles by the hour", "RETENTION_ROLLUP_DAYS", 2
    ),
)
_BY_KIND = {each.kind: each for each in CLASSES}


def of(kind: Kind) -> DataClass:
    return _BY_KIND[kind]
