"""What the descriptors of a process are that comes near its limit or opens ever more: sockets, pipes, files, …"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path

from collectors.kernel import procfs
from collectors.probe import Cost, Host, Metric
from collectors.processes import identity, watched
from collectors.readings import gauge
from collectors.wire import Sample

METRIC = "process_open_fds_by_kind"
NEAR_SHARE = 0.5
# Growing: in each of the last passes, and by so many in sum; a burst of connections falls again.
GROWING_PASSES = 4
GROWING_FDS = 24
MOST_PROCESSES = 20
RELIST_PASSES = 6
# Past so many, an even sample of the descriptors is looked at and scaled up.
LINKS_LOOKED_AT = 512


def kind_of(target: str) -> str:
    """Kind of a descriptor by the target of its link: `socket:[123]`, `anon_inode:[eventpoll]`, a path, …"""
    name, colon, _ = target.partition(":[")
    if colon and name in ("socket", "pipe"):
        return name
    if target.startswith("anon_inode:"):
        return target.removeprefix("anon_inode:").strip("[]") or "anon"
    if target.startswith("/memfd:"):
        return "memfd"
    if target.startswith("/dev/"):
        return "device"
    return "file" if target.startswith("/") else "other"


def count_kinds(links: list[tuple[str, str]], total: int) -> dict[str, int]:
    """Descriptors by kind, scaled from those that were looked at to all."""
    kinds = Counter(kind_of(target) for _, target in links)
    return {kind: round(seen * max(total, len(links)) / len(links)) for kind, seen in kinds.items()}


class Limits:
    """Names the kind of descriptor that leaks, or that a limit is too small for."""

    NAME = "limits"
    COST: Cost = "cheap"
    INTERVAL_SECONDS = 10.0
    METRICS: tuple[Metric, ...] = (
        Metric(
            METRIC,
            "",
            "Open descriptors by kind, of processes above half their limit or with steady growth.",
            ("pid", "service", "kind"),
        ),
    )

    def __init__(self) -> None:
        self._counts: dict[int, list[int]] = {}
        self._kinds: dict[int, tuple[int, dict[str, int]]] = {}
        self._passes = 0

    def collect(self, host: Host) -> Iterator[Sample]:
        """Nothing while all is well. NotYet without the process probe's counts."""
        known = watched.of(host.proc)
        known.chosen()
        self._passes += 1
        before, self._kinds = self._kinds, {}
        suspects = sorted(self._suspects(known.descriptors), key=lambda suspect: suspect[1], reverse=True)
        for stat, total in suspects[:MOST_PROCESSES]:
            service = identity.describe(stat, host.proc).service
            kinds = self._kinds[stat.pid] = self._read(host.proc, stat.pid, total, before.get(stat.pid))
            for kind, number in kinds[1].items():
                labels = {"pid": str(stat.pid), "service": service, "kind": kind}
                yield gauge(METRIC, host.now_ns, number, labels)

    def _read(
        self, root: Path, pid: int, total: int, before: tuple[int, dict[str, int]] | None
    ) -> tuple[int, dict[str, int]]:
        """How many, and by kind. The list of thousands costs milliseconds: not while their number stays the same."""
        if before and before[0] == total and (self._passes + pid) % RELIST_PASSES:
            return before
        return total, count_kinds(procfs.fd_links(root, pid, LINKS_LOOKED_AT, spread=True), total)

    def _suspects(self, descriptors: Sequence[watched.Open]) -> Iterator[tuple[procfs.Stat, int]]:
        counts: dict[int, list[int]] = {}
        for row in descriptors:
            if row.fds:  # none where this user may not look
                pid = row.stat.pid
                counts[pid] = [*self._counts.get(pid, []), row.fds][-GROWING_PASSES:]
                if _is_growing(counts[pid]) or _is_near(row.limit, row.fds):
                    yield row.stat, row.fds
        self._counts = counts


def _is_growing(counts: list[int]) -> bool:
    rising = all(before < after for before, after in pairwise(counts))
    return len(counts) == GROWING_PASSES and rising and counts[-1] - counts[0] >= GROWING_FDS


def _is_near(limit: int | None, number: int) -> bool:
    return limit is not None and number >= limit * NEAR_SHARE
