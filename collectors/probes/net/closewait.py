"""Connections that the peer has closed and their process has not: how many, since when, and whose."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from collectors.probe import Host, Metric
from collectors.probes.net import owners
from collectors.readings import Labels, gauge
from collectors.wire import Sample

_LABELS = ("pid", "service", "netns")
METRICS = (
    Metric("tcp_close_wait", "", "Connections in CLOSE_WAIT by who holds them, from two passes on.", _LABELS),
    Metric("tcp_close_wait_oldest_seconds", "s", "Time since the oldest of them was first seen so.", _LABELS),
)
# The oldest so many are looked up; counts of processes are scaled to all.
MOST_LOOKED_UP = 256


class CloseWait:
    """Remembers since when each socket of a namespace has been in CLOSE_WAIT."""

    def __init__(self, netns: str) -> None:
        self._netns = netns
        self._since: dict[int, int] = {}

    def samples(self, host: Host, closing: dict[int, int]) -> Iterator[Sample]:
        """`closing`: inode by cookie. A socket just seen for the first time is not told: closing takes a moment."""
        self._since = {cookie: self._since.get(cookie, host.now_ns) for cookie in closing}
        lasting = [cookie for cookie, since in self._since.items() if since < host.now_ns]
        lasting.sort(key=self._since.__getitem__)
        chosen = lasting[:MOST_LOOKED_UP]
        # Asked even when there are none: the owners of before are forgotten.
        group = f"{self._netns} CLOSE_WAIT"
        known = owners.of(host.proc).look_up(group, {closing[cookie] for cookie in chosen})
        numbers: Counter[Labels] = Counter()
        oldest: dict[Labels, int] = {}
        for cookie in chosen:
            owner = known.get(closing[cookie])
            if owner is None:
                continue  # looked for a little later
            labels = self._labels(owner)
            numbers[labels] += 1
            oldest.setdefault(labels, self._since[cookie])
        for labels, number in numbers.items():
            scaled = round(number * len(lasting) / len(chosen))
            yield gauge("tcp_close_wait", host.now_ns, scaled, dict(labels))
            seconds = (host.now_ns - oldest[labels]) / 1e9
            yield gauge("tcp_close_wait_oldest_seconds", host.now_ns, seconds, dict(labels))

    def _labels(self, owner: owners.Owner) -> Labels:
        process = owner.process
        pairs = (
            ("pid", str(process.pid) if process else ""),
            ("service", process.service if process else ""),
            ("netns", self._netns),
        )
        return tuple(pair for pair in pairs if pair[1])
