"""Room on the file system under DATA_DIR: a part of it stays free, so that what is being written can be finished."""

from __future__ import annotations

import shutil
from dataclasses import dataclass

from django.conf import settings

# Write-ahead logs of a handful of files (32 MB each before a checkpoint copies them) and the queue's own file.
_MOST_RESERVED_BYTES = 512 * 1024**2
_RESERVED_SHARE = 0.05


class DiskFull(OSError):
    """Nothing more is written until there is room again; the message says where and how much is missing."""


@dataclass(frozen=True, slots=True)
class Room:
    """Of the whole file system; below `reserved_bytes` free nothing new is taken."""

    total_bytes: int
    free_bytes: int

    @property
    def reserved_bytes(self) -> int:
        return int(min(_MOST_RESERVED_BYTES, self.total_bytes * _RESERVED_SHARE))

    @property
    def used_bytes(self) -> int:
        return self.total_bytes - self.free_bytes

    @property
    def full_from_bytes(self) -> int:
        return self.total_bytes - self.reserved_bytes

    @property
    def short_from_bytes(self) -> int:
        return self.total_bytes - 2 * self.reserved_bytes

    @property
    def is_full(self) -> bool:
        return self.free_bytes < self.reserved_bytes

    @property
    def is_short(self) -> bool:
        """Soon full: old raw data goes while there is still room to settle its rollups."""
        return self.free_bytes < 2 * self.reserved_bytes


def room() -> Room:
    total, _, free = shutil.disk_usage(settings.DATA_DIR)
    return Room(total, free)


def require_room() -> None:
    """Raises DiskFull."""
    found = room()
    if found.is_full:
        raise DiskFull(
            f"{found.free_bytes / 1e6:.0f} MB are free at DATA_DIR ({settings.DATA_DIR}) and "
            f"{found.reserved_bytes / 1e6:.0f} MB have to be: free some space, or lower DISK_BUDGET"
        )
