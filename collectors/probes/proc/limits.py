"""What the descriptors of a process are that comes near its limit or opens ever more: sockets, pipes, files, …"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

from collectors import identity, procfs
from collectors.probe import Cost, Host, Metric
from collectors.readings import gauge
from collectors.wire import Sample

METRIC = "process_open_fds_by_kind"
NEAR_SHARE = 0.5
# Growing: in each of the last passes, and by so many in sum; a burst of connections falls again.
GROWING_PASSES = 4
GROWING_FDS = 24
MOST_PROCESSES = 20
FEW_FDS = 8
LIMIT_PASSES = 6
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
    COST: Cost = "moderate"
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
        self._limits: dict[int, int | None] = {}
        self._passes = 0

    def collect(self, host: Host) -> Iterator[Sample]:
        """Nothing while all is well."""
        suspects = self._suspects(host.proc)
        suspects.sort(key=lambda suspect: suspect[1], reverse=True)
        for stat, total in suspects[:MOST_PROCESSES]:
            links = procfs.fd_links(host.proc, stat.pid, LINKS_LOOKED_AT, spread=True)
            service = identity.describe(stat, host.proc).service
            for kind, number in count_kinds(links, total).items():
                labels = {"pid": str(stat.pid), "service": service, "kind": kind}
                yield gauge(METRIC, host.now_ns, number, labels)

    def _suspects(self, root: Path) -> list[tuple[procfs.Stat, int]]:
        """Of most processes nothing but the number of descriptors is read."""
        counts: dict[int, list[int]] = {}
        limits: dict[int, int | None] = {}
        suspects = []
        self._passes += 1
        for pid in procfs.pids(root):
            number = procfs.open_fds(root, pid)
            if not number:  # gone, a kernel thread, or another user's
                continue
            counts[pid] = [*self._counts.get(pid, []), number][-GROWING_PASSES:]
            limits[pid] = self._limit(root, pid, number)
            if _is_growing(counts[pid]) or _is_near(limits[pid], number):
                stat = procfs.stat(root, pid)
                if stat is not None:
                    suspects.append((stat, number))
        self._counts, self._limits = counts, limits
        return suspects

    def _limit(self, root: Path, pid: int, number: int) -> int | None:
        """A limit changes seldom: each is read again in one pass of so many."""
        if number <= FEW_FDS:
            return None
        known = self._limits.get(pid)
        if known is None or (self._passes + pid) % LIMIT_PASSES == 0:
            return procfs.fd_limit(root, pid)
        return known


def _is_growing(counts: list[int]) -> bool:
    rising = all(before < after for before, after in pairwise(counts))
    return len(counts) == GROWING_PASSES and rising and counts[-1] - counts[0] >= GROWING_FDS


def _is_near(limit: int | None, number: int) -> bool:
    return limit is not None and number >= limit * NEAR_SHARE
