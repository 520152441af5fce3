"""The two interfaces behind which telemetry lies, so that something other than SQL can take its place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from diagnose.store.intervals import Intervals
from diagnose.store.rows import MetricBatch, Offsets, ProfileBatch, ProfileGroup
from diagnose.store.summaries import Piece
from diagnose.store.sums import Sum


@dataclass(frozen=True, slots=True)
class ProfileFilter:
    """Which profiles: `host_ids` empty means all; continuous ones only, unless `capture_id` names a capture."""

    service_id: int
    type: str
    host_ids: tuple[int, ...] = ()
    labels: tuple[tuple[str, str], ...] = ()
    capture_id: str | None = None


@dataclass(frozen=True, slots=True)
class GroupSum:
    """Profiles of one group added up; `seconds` is the time they observed."""

    group: ProfileGroup
    total: Sum
    profiles: int
    seconds: float


@dataclass(frozen=True, slots=True)
class StoredProfiles:
    """What is there of one service, type and host."""

    service_id: int
    type: str
    host_id: int
    profiles: int
    seconds: float


@dataclass(frozen=True, slots=True)
class TimedProfile:
    """A profile that tells when its samples were taken; each of them stands for `period_ns`."""

    group: ProfileGroup
    start_ns: int
    end_ns: int
    period_ns: int
    offsets: Offsets


@dataclass(frozen=True, slots=True)
class Timed:
    """Of the profiles that overlap a span those with sample times; `untimed` have none, `corrupt` cannot be read."""

    profiles: list[TimedProfile]
    untimed: int
    corrupt: int


class ProfileStore(Protocol):
    """Times are half-open: a profile counts where it started."""

    def append(self, batches: Sequence[ProfileBatch]) -> list[int]:
        """Durable on return; a batch that was applied before changes nothing. How many rows of each are past retention.

        All that belongs into one day is one transaction, so many batches at once cost little more than one.
        """

    def merge(self, which: ProfileFilter, start_ns: int, end_ns: int) -> list[GroupSum]: ...

    def timed(self, which: ProfileFilter, start_ns: int, end_ns: int) -> Timed:
        """Unlike elsewhere, a profile counts wherever it overlaps the span."""

    def stored(self, host_ids: tuple[int, ...], start_ns: int, end_ns: int) -> list[StoredProfiles]: ...

    def label_sets(self, which: ProfileFilter, start_ns: int, end_ns: int) -> set[tuple[int, str]]:
        """Hosts with the sets of labels (`labelsets`) that profiles carried there, all hours of the span whole."""

    def roll_up(self, now_ns: int) -> int:
        """Recompute the rollups of finished hours that new data touched; how many were."""


class MetricStore(Protocol):
    """Times are half-open; points come back in order of time."""

    def append(self, batches: Sequence[MetricBatch]) -> list[int]:
        """As `ProfileStore.append`."""

    def read(
        self, series_by_host: Mapping[int, Sequence[int]], start_ns: int, end_ns: int
    ) -> dict[int, tuple[NDArray[np.int64], NDArray[np.float64]]]: ...

    def has_points(self, start_ns: int, end_ns: int) -> bool:
        """Whether no day of the range has lost its points to retention."""

    def summaries(
        self, series_by_host: Mapping[int, Sequence[int]], start_ns: int, end_ns: int
    ) -> list[Piece]:
        """By the minute, in order of series and time; the minutes at the ends may be whole where points are gone."""

    def histograms(
        self, series_by_host: Mapping[int, Sequence[int]], start_ns: int, end_ns: int, hourly: bool
    ) -> dict[str, Intervals]:
        """By scheme, in order of series and time. `hourly`: a whole hour may come as one interval that begins it."""

    def series_in_use(self) -> set[int]:
        """All that any stored day holds, but for what was not sealed yet. Raises CorruptBlob when that is not known."""

    def seal(self, now_ns: int) -> int:
        """Turn finished hours into chunks; how many host-hours were."""
