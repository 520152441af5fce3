"""Room and inodes of file systems, by statvfs on what PID 1 has mounted; not of network file systems: they may hang."""

from __future__ import annotations

import os
from collections.abc import Iterator

from collectors.kernel import procfs
from collectors.probe import Cost, Host, Metric, NoData
from collectors.readings import gauge
from collectors.wire import Sample

_LABELS = ("device", "mountpoint", "fstype")
METRICS = (
    Metric("filesystem_size_bytes", "B", "Size.", _LABELS),
    Metric("filesystem_free_bytes", "B", "Free, what is kept for root included.", _LABELS),
    Metric("filesystem_avail_bytes", "B", "Free for ordinary users.", _LABELS),
    Metric("filesystem_files", "", "Inodes; 0 where the file system makes them as needed.", _LABELS),
    Metric("filesystem_files_free", "", "Free inodes.", _LABELS),
)
MOST_MOUNTS = 32
_WITHOUT_DEVICE = {"tmpfs", "zfs", "bcachefs"}
_KERNELS_OWN = ("/proc", "/sys", "/run/credentials", "/run/user")

_Mount = tuple[str, str, str]


def parse_mounts(text: bytes) -> list[_Mount]:
    """(device, mount point, type), once for each device: the shortest path of several is what it was mounted for."""
    found: dict[str, _Mount] = {}
    for line in text.decode("utf-8", "surrogateescape").splitlines():
        fields = line.split(" ")
        if len(fields) < 4:
            continue
        device, point, kind = _unescaped(fields[0]), _unescaped(fields[1]), fields[2]
        if not device.startswith("/dev/") and kind not in _WITHOUT_DEVICE:
            continue
        if not point.startswith("/") or point.startswith(_KERNELS_OWN) or "ro" in fields[3].split(","):
            continue
        key = device if device.startswith("/dev/") else point
        if key not in found or len(point) < len(found[key][1]):
            found[key] = (device, point, kind)
    return list(found.values())


def _unescaped(text: str) -> str:
    """Blanks and their like stand as octal numbers (mangle_path, fs/seq_file.c)."""
    for code, character in ((r"\040", " "), (r"\011", "\t"), (r"\012", "\n"), (r"\134", "\\")):
        text = text.replace(code, character)
    return text


class Filesystems:
    """How much room is left, and how many inodes: either may end first."""

    NAME = "filesystems"
    COST: Cost = "moderate"
    INTERVAL_SECONDS = 10.0
    METRICS: tuple[Metric, ...] = METRICS

    def collect(self, host: Host) -> Iterator[Sample]:
        """Read-only ones are left out: they are full by nature."""
        told = 0
        for mount in parse_mounts(self._mounts(host))[:MOST_MOUNTS]:
            for samples in self._samples(host, mount):
                told += 1
                yield samples
        if not told:
            raise NoData(f"no file system that {host.proc}/1/mounts names can be looked at from here")

    def _mounts(self, host: Host) -> bytes:
        try:
            return procfs.read(f"{host.proc}/1/mounts")
        except OSError:
            return procfs.need(host.proc, "self/mounts")

    def _samples(self, host: Host, mount: _Mount) -> Iterator[Sample]:
        device, point, kind = mount
        found = _statvfs(f"{host.proc}/1/root{point}") or _statvfs(point)
        if found is None or not found.f_blocks:
            return
        names = (text.encode("utf-8", "replace").decode() for text in (device, point, kind))
        labels = dict(zip(_LABELS, names, strict=True))
        values = (
            found.f_blocks * found.f_frsize,
            found.f_bfree * found.f_frsize,
            found.f_bavail * found.f_frsize,
            found.f_files,
            found.f_ffree,
        )
        for metric, value in zip(METRICS, values, strict=True):
            yield gauge(metric.name, host.now_ns, value, labels)


def _statvfs(path: str) -> os.statvfs_result | None:
    try:
        return os.statvfs(path)
    except OSError:
        return None
