"""How full each file system is, and when it will be at the pace of the window."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from diagnose.correlate.growth import Growth, growth
from diagnose.correlate.samples import Samples, Series

READS = (
    "filesystem_size_bytes",
    "filesystem_free_bytes",
    "filesystem_avail_bytes",
    "filesystem_files",
    "filesystem_files_free",
)

# ten seconds apart
LEAST_READINGS = 4


@dataclass(frozen=True, slots=True)
class Room:
    """Of bytes or of inodes. `size` is what ordinary users can have; `growth` is of what is used."""

    size: float
    free: float
    growth: Growth | None

    @property
    def share(self) -> float:
        """Of it that is left."""
        return self.free / self.size if self.size else 1.0


@dataclass(frozen=True, slots=True)
class Filesystem:
    """`inodes` is None where the file system makes them as needed."""

    mountpoint: str
    device: str
    kind: str
    bytes: Room
    inodes: Room | None


@dataclass(frozen=True, slots=True)
class Filesystems:
    """Those with ordinary files, not the kernel's own and not of other hosts."""

    found: tuple[Filesystem, ...]

    @classmethod
    def derive(cls, samples: Samples) -> Filesystems | None:
        by_mount = {
            metric: {name: each[0] for name, each in samples.grouped(metric, "mountpoint").items()}
            for metric in READS
        }
        size, free, avail, files, files_free = (by_mount[metric] for metric in READS)
        found = [
            Filesystem(
                mountpoint=name,
                device=series.labels.get("device", ""),
                kind=series.labels.get("fstype", ""),
                # what is kept for root is lost for all others
                bytes=_room(size[name].last - (free[name].last - series.last), series),
                inodes=_room(files[name].last, files_free[name])
                if name in files_free and name in files and files[name].last
                else None,
            )
            for name, series in avail.items()
            if name in size and name in free
        ]
        return cls(tuple(found)) if found else None


def _room(size: float, free: Series) -> Room:
    used = Series(free.metric, free.labels, free.times_ns, np.asarray(size - free.values))
    return Room(size, free.last, growth(used, LEAST_READINGS))
