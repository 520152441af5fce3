"""How full the connection tracking table is, and what it turned away."""

from __future__ import annotations

from collections.abc import Iterator

from collectors.kernel import procfs
from collectors.probe import Cost, Host, Metric, NoData
from collectors.readings import Counters, Series, gauge
from collectors.wire import Sample

_STAT = "net/stat/nf_conntrack"
COUNTED = {
    b"drop": ("nf_conntrack_stat_drop_total", "Packets dropped: the table was full."),
    b"early_drop": ("nf_conntrack_stat_early_drop_total", "Entries thrown out to make room."),
    b"insert_failed": ("nf_conntrack_stat_insert_failed_total", "Entries that could not be added."),
    b"search_restart": ("nf_conntrack_stat_search_restart_total", "Look-ups that a resize made begin again."),
    b"invalid": ("nf_conntrack_stat_invalid_total", "Packets that could not be tracked."),
}


def parse(text: bytes) -> dict[Series, float]:
    """Sums over the CPUs. A line of names, then one of hexadecimal numbers for each CPU."""
    header, _, body = text.partition(b"\n")
    names = header.split()
    found: dict[Series, float] = {}
    for line in body.splitlines():
        fields = line.split()
        if len(fields) < len(names):
            continue
        for name, field in zip(names, fields, strict=False):
            if name in COUNTED and len(field) <= 16 and field.isalnum():
                try:
                    value = int(field, 16)
                except ValueError:
                    continue
                key: Series = (COUNTED[name][0], ())
                found[key] = found.get(key, 0) + value
    return found


class Conntrack:
    """The table of the host's own network namespace; its limit is shared by all."""

    NAME = "conntrack"
    COST: Cost = "cheap"
    INTERVAL_SECONDS = 10.0
    METRICS: tuple[Metric, ...] = (
        Metric("nf_conntrack_entries", "", "Connections that are tracked."),
        Metric("nf_conntrack_entries_limit", "", "The most that can be (nf_conntrack_max)."),
        *(Metric(name, "", text, counter=True) for name, text in COUNTED.values()),
    )

    def __init__(self) -> None:
        self._counters = Counters()

    def collect(self, host: Host) -> Iterator[Sample]:
        """NoData where nothing is tracked: the module is not loaded."""
        count, limit = (_number(host, f"nf_conntrack_{name}") for name in ("count", "max"))
        if count is None or limit is None:
            raise NoData("no connections are tracked: the kernel module nf_conntrack is not loaded")
        yield gauge("nf_conntrack_entries", host.now_ns, count)
        yield gauge("nf_conntrack_entries_limit", host.now_ns, limit)
        yield from self._counters.points(host.now_ns, parse(procfs.need(host.proc, _STAT)))


def _number(host: Host, name: str) -> int | None:
    try:
        return procfs.number(procfs.read(f"{host.proc}/sys/net/netfilter/{name}").strip())
    except OSError:
        return None
