"""What memory management had to do: reclaim, swap, faults, kills, compaction, from /proc/vmstat."""

from __future__ import annotations

from collections.abc import Iterator

from collectors.kernel import procfs
from collectors.probe import Cost, Host, Metric, NoData
from collectors.readings import Counters, Series
from collectors.wire import Sample

# A name that ends in `*` sums what kernels split up: by zone (allocstall), by kind of page since 5.9 (workingset).
FIELDS = {
    "pgpgin": "Kilobytes read from block devices.",
    "pgpgout": "Kilobytes written to block devices.",
    "pswpin": "Pages swapped in.",
    "pswpout": "Pages swapped out.",
    "pgfault": "Page faults.",
    "pgmajfault": "Page faults that had to read from disk.",
    "pgscan_kswapd": "Pages that the background reclaimer looked at.",
    "pgsteal_kswapd": "Pages that the background reclaimer freed.",
    "pgscan_direct": "Pages that allocating tasks had to look at themselves.",
    "pgsteal_direct": "Pages that allocating tasks freed themselves.",
    "allocstall*": "Times a task had to reclaim before it got memory.",
    "workingset_refault*": "Pages read again soon after they were reclaimed.",
    "oom_kill": "Processes that the kernel killed for want of memory.",
    "compact_stall": "Times a task had to compact memory for a large page.",
    "compact_fail": "Compactions that gave no large page.",
    "thp_fault_fallback": "Huge pages that could not be had.",
    "drop_pagecache": "Times somebody dropped the page cache by hand.",
    "numa_hit": "Pages from the node they were wanted from.",
    "numa_miss": "Pages from another node than wanted.",
    "numa_foreign": "Pages wanted from a node that had to come from another.",
    "numa_local": "Pages from the node the task runs on.",
    "numa_other": "Pages from a node the task does not run on.",
    "numa_pages_migrated": "Pages that NUMA balancing moved.",
    "numa_hint_faults": "Faults that NUMA balancing made to learn.",
}
_WHOLE = {name.encode(): name for name in FIELDS if not name.endswith("*")}
_PREFIXES = {name[:-1].encode(): name[:-1] for name in FIELDS if name.endswith("*")}


def parse(text: bytes) -> dict[Series, float]:
    """Counts by metric."""
    found: dict[Series, float] = {}
    for line in text.splitlines():
        name, _, rest = line.partition(b" ")
        field = _WHOLE.get(name) or next((f for p, f in _PREFIXES.items() if name.startswith(p)), None)
        value = procfs.number(rest) if field else None
        if value is not None:
            key: Series = (f"vmstat_{field}", ())
            found[key] = found.get(key, 0) + value
    return found


class Vmstat:
    """Reclaim that tasks wait for is `allocstall` and `pgscan_direct`; `pgscan_kswapd` alone delays nobody."""

    NAME = "vmstat"
    COST: Cost = "cheap"
    INTERVAL_SECONDS = 5.0
    METRICS = tuple(Metric(f"vmstat_{name.rstrip('*')}", "", text, (), True) for name, text in FIELDS.items())

    def __init__(self) -> None:
        self._counters = Counters()

    def collect(self, host: Host) -> Iterator[Sample]:
        """The fields this kernel has; those of NUMA only where it was built with it."""
        found = parse(procfs.need(host.proc, "vmstat"))
        if not found:
            raise NoData(f"{host.proc}/vmstat has none of the known fields")
        yield from self._counters.points(host.now_ns, found)
