"""Memory of the host, from /proc/meminfo."""

from __future__ import annotations

from collections.abc import Iterator

from collectors.kernel import procfs
from collectors.probe import Cost, Host, Metric, NoData
from collectors.readings import gauge
from collectors.wire import Sample

FIELDS = {
    "MemTotal": "Memory the kernel can use.",
    "MemFree": "Memory nobody uses.",
    "MemAvailable": "What new programs could take without swapping, estimated by the kernel.",
    "Buffers": "Block device cache.",
    "Cached": "Page cache, shared memory included.",
    "SwapTotal": "Size of swap.",
    "SwapFree": "Swap nobody uses.",
    "Dirty": "Written, not yet on disk.",
    "Writeback": "On its way to disk.",
    "AnonPages": "Memory of processes that no file backs.",
    "Shmem": "Shared memory and tmpfs.",
    "Slab": "The kernel's own objects.",
    "SUnreclaim": "The kernel's own objects that cannot be given back.",
    "PageTables": "Page tables.",
}


def parse(text: bytes) -> dict[str, int]:
    """Bytes by field, of the fields that are read here."""
    found = {}
    for line in text.splitlines():
        name, _, rest = line.partition(b":")
        fields = rest.split()
        value = procfs.number(fields[0]) if len(fields) == 2 and fields[1] == b"kB" else None
        key = name.decode("ascii", "replace")
        if value is not None and key in FIELDS:
            found[key] = value * 1024
    return found


class Memory:
    """How much memory there is, and what holds it."""

    NAME = "memory"
    COST: Cost = "cheap"
    INTERVAL_SECONDS = 5.0
    METRICS = tuple(Metric(f"memory_{field}_bytes", "B", help) for field, help in FIELDS.items())

    def collect(self, host: Host) -> Iterator[Sample]:
        """The fields this kernel has."""
        found = parse(procfs.need(host.proc, "meminfo"))
        if not found:
            raise NoData(f"{host.proc}/meminfo has none of the known fields")
        for field, value in found.items():
            yield gauge(f"memory_{field}_bytes", host.now_ns, value)
