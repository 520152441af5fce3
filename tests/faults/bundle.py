"""Everything that was read during a run, kept in the form of recorded windows, so that it can be judged again."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

import numpy as np

from diagnose.correlate import load
from diagnose.correlate.samples import Histogram, Profile, Samples, Series
from diagnose.models.host import Host
from diagnose.models.series import Series as SeriesRow
from tests.faults.stage import FILES


def read(
    host: Host,
    start: datetime,
    end: datetime,
    pids: Collection[int],
    cgroups: Collection[str],
    mounts: Collection[str] = (),
) -> dict[str, Any] | None:
    """All series of the host but those of processes and groups that are not the case's. None when nothing arrived."""
    metrics = SeriesRow.objects.filter(host=host).values_list("metric", flat=True)
    samples = load.window(host, start, end, sorted(set(metrics)))
    return None if samples is None else as_json(samples, pids, cgroups, mounts)


def as_json(
    samples: Samples, pids: Collection[int], cgroups: Collection[str], mounts: Collection[str] = ()
) -> dict[str, Any]:
    """As `tests.diagnose.correlate.windows` reads it."""
    every = [each for group in samples.series.values() for each in group]
    mine = {"pid": {str(pid) for pid in pids}, "cgroup": set(cgroups)}

    def ours(labels: Mapping[str, str]) -> bool:
        """What eBPF tells of other network namespaces is other people's, too."""
        known = all(labels[label] in mine[label] for label in ("pid", "cgroup") if label in labels)
        mount = labels.get("mountpoint", "")
        return known and "netns" not in labels and (not mount.startswith(str(FILES)) or mount in mounts)

    return {
        "host": samples.host,
        "start_ms": samples.start_ns // 10**6,
        "end_ms": samples.end_ns // 10**6,
        "facts": dict(samples.facts),
        "series": [_series(each) for each in every if ours(each.labels)],
        "histograms": [
            _histogram(each) for group in samples.histograms.values() for each in group if ours(each.labels)
        ],
        "profiles": [_profile(each) for each in samples.profiles if each.pid in pids],
    }


def _series(series: Series) -> dict[str, Any]:
    return {
        "metric": series.metric,
        "labels": dict(series.labels),
        "counter": series.counter,
        "times": (series.times_ns // 10**6).tolist(),
        "values": [round(float(value), 6) for value in series.values],
    }


def _histogram(histogram: Histogram) -> dict[str, Any]:
    """Each row by the buckets that have something in them."""
    return {
        "metric": histogram.metric,
        "labels": dict(histogram.labels),
        "times": (histogram.times_ns // 10**6).tolist(),
        "edges": [round(float(edge), 9) for edge in histogram.edges],
        "counts": [[[int(at), int(row[at])] for at in np.flatnonzero(row)] for row in histogram.counts],
        "sums": [round(float(value), 6) for value in histogram.sums],
    }


def _profile(profile: Profile) -> dict[str, Any]:
    return {
        "service": profile.service,
        "pid": profile.pid,
        "type": profile.type,
        "period_ns": profile.period_ns,
        "seconds": round(profile.seconds, 3),
        "native": profile.native,
        "stacks": [
            [stack.thread, stack.count, [[frame.name, frame.file, frame.line] for frame in stack.frames]]
            for stack in profile.stacks
        ],
    }
