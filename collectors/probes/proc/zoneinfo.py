"""Free memory of each zone against its watermarks, from /proc/zoneinfo: below `min` tasks reclaim themselves."""

from __future__ import annotations

import re
from collections.abc import Iterator

from collectors.kernel import procfs
from collectors.probe import Cost, Host, Metric, NoData
from collectors.readings import gauge
from collectors.wire import Sample

FIELDS = {
    "free": ("zoneinfo_nr_free_pages", "Free pages."),
    "min": ("zoneinfo_min_pages", "Below it, tasks that allocate reclaim themselves."),
    "low": ("zoneinfo_low_pages", "Below it, the background reclaimer wakes up."),
    "high": ("zoneinfo_high_pages", "Above it, the background reclaimer sleeps."),
    "managed": ("zoneinfo_managed_pages", "Pages of the zone."),
}
_HEAD = re.compile(rb"(\d{1,9}), zone +(\w{1,20})\n")
_FIELD = re.compile(rb"^ *(?:pages )?(free|min|low|high|managed) +(\d{1,20})$", re.MULTILINE)


def parse(text: bytes) -> dict[tuple[str, str], dict[str, int]]:
    """Pages by (node, zone) and field; zones without memory are left out."""
    zones = {}
    for part in text.split(b"Node ")[1:]:
        head = _HEAD.match(part)
        # What follows, a block for each CPU, is most of the file.
        fields = {name.decode(): int(value) for name, value in _FIELD.findall(part.partition(b"pagesets")[0])}
        if head and fields.get("managed"):
            zones[head[1].decode(), head[2].decode()] = fields
    return zones


class Zoneinfo:
    """Watermarks move with min_free_kbytes and watermark_scale_factor."""

    NAME = "zoneinfo"
    COST: Cost = "cheap"
    INTERVAL_SECONDS = 30.0
    METRICS = tuple(Metric(name, "", text, ("node", "zone")) for name, text in FIELDS.values())

    def collect(self, host: Host) -> Iterator[Sample]:
        """Each zone that has memory."""
        zones = parse(procfs.need(host.proc, "zoneinfo"))
        if not zones:
            raise NoData(f"{host.proc}/zoneinfo has no zone with memory")
        for (node, zone), fields in zones.items():
            for field, value in fields.items():
                yield gauge(FIELDS[field][0], host.now_ns, value, {"node": node, "zone": zone})
