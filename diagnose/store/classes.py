"""The classes of telemetry: what each holds, how long it is kept, and who goes first when space is short."""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings

from diagnose.store.schema import Kind


@dataclass(frozen=True, slots=True)
class DataClass:
    """One kind of file (or partition) per day. `rank`: of all days, those of the lowest rank go first."""

    kind: Kind
    title: str
    note: str
    setting: str
    rank: int

    @property
    def kept_days(self) -> int:
        return int(settings.CONFIG[self.setting])


CLASSES = (
    DataClass("raw", "Raw data", "every profile and reading as it came", "RETENTION_RAW_DAYS", 0),
    DataClass("rollup", "Rollups", "sums by hour and day", "RETENTION_ROLLUP_DAYS", 2),
)
