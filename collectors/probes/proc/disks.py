"""Requests, bytes and time of block devices, from /proc/diskstats."""

from __future__ import annotations

from collections.abc import Iterator

from collectors.kernel import procfs
from collectors.probe import Cost, Host, Metric, NoData
from collectors.readings import Counters, Series, gauge
from collectors.wire import Sample

_SECTOR_BYTES = 512  # whatever the device's own sector size (Documentation/admin-guide/iostats.rst)
# Column after the name: metric, factor to its unit, unit, help. Flushes since Linux 5.5.
COUNTED = {
    0: ("disk_reads_completed_total", 1, "", "Reads."),
    2: ("disk_read_bytes_total", _SECTOR_BYTES, "B", "Read."),
    3: ("disk_read_time_seconds_total", 1e-3, "s", "Time of all reads; by their number it is the wait."),
    4: ("disk_writes_completed_total", 1, "", "Writes."),
    6: ("disk_written_bytes_total", _SECTOR_BYTES, "B", "Written."),
    7: ("disk_write_time_seconds_total", 1e-3, "s", "Time of all writes; by their number it is the wait."),
    9: ("disk_io_time_seconds_total", 1e-3, "s", "Time in which at least one request was under way."),
    10: (
        "disk_io_time_weighted_seconds_total",
        1e-3,
        "s",
        "Time of all requests: the mean queue per second.",
    ),
    15: ("disk_flush_requests_total", 1, "", "Flushes (fsync)."),
    16: ("disk_flush_requests_time_seconds_total", 1e-3, "s", "Time of all flushes."),
}
_NOW_COLUMN = 8
MOST_DEVICES = 64


def parse(text: bytes) -> dict[str, list[int]]:
    """The numbers of each device that ever had a request, by name."""
    found = {}
    for line in text.splitlines():
        fields = line.split(None, 3)
        values = procfs.numbers(fields[3]) if len(fields) == 4 else None
        if values and len(values) >= 11 and (values[0] or values[4]):
            found[fields[2].decode("utf-8", "replace")] = values
    return found


class Disks:
    """Whole devices: partitions are parts of them, mapped devices (LVM, RAID) come beside what they lie on."""

    NAME = "disks"
    COST: Cost = "cheap"
    INTERVAL_SECONDS = 5.0
    METRICS: tuple[Metric, ...] = (
        *(Metric(name, unit, text, ("device",), True) for name, _, unit, text in COUNTED.values()),
        Metric("disk_io_now", "", "Requests under way at this moment.", ("device",)),
    )

    def __init__(self) -> None:
        self._counters = Counters()

    def collect(self, host: Host) -> Iterator[Sample]:
        """The first 64 devices that ever had a request."""
        found = parse(procfs.need(host.proc, "diskstats"))
        whole = {name: values for name, values in found.items() if self._is_whole(host, name)}
        if not whole:
            raise NoData(f"{host.proc}/diskstats has no device with a request")
        readings: dict[Series, float] = {}
        for name, values in list(whole.items())[:MOST_DEVICES]:
            yield gauge("disk_io_now", host.now_ns, values[_NOW_COLUMN], {"device": name})
            for column, (metric, factor, _, _) in COUNTED.items():
                if column < len(values):
                    readings[metric, (("device", name),)] = values[column] * factor
        yield from self._counters.points(host.now_ns, readings)

    def _is_whole(self, host: Host, name: str) -> bool:
        directory = name.replace("/", "!")  # cciss/c0d0 is cciss!c0d0 in sysfs
        blocks = f"{host.sys}/block"
        return procfs.is_directory(f"{blocks}/{directory}") or not procfs.is_directory(blocks)
