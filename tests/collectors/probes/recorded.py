"""The recorded /proc and /sys of a 2-CPU machine with Linux 6.18, and runs of probes on it."""

from __future__ import annotations

import time
from collections.abc import Iterable
from pathlib import Path

from collectors.probe import Host, Probe
from collectors.wire import Points, Sample

LINUX_6_18 = Path(__file__).parents[2] / "fixtures/proc/linux-6.18"
SHOP_PID = 812
LIVE = Path("/proc")
SYS = Path(__file__).parents[2] / "fixtures/sys/linux-6.18"


def host(proc: Path = LINUX_6_18, now_ns: int | None = None, sys: Path = SYS) -> Host:
    """The live /sys goes with the live /proc."""
    sys = Path("/sys") if proc == LIVE else sys
    return Host(proc, sys, time.time_ns() if now_ns is None else now_ns)


def values(samples: Iterable[Sample]) -> dict[tuple[str, ...], float]:
    """Value by metric and label values."""
    points = [sample for sample in samples if isinstance(sample, Points)]
    found = {(point.metric, *point.labels.values()): point.values[0] for point in points}
    assert len(found) == len(points), "a series was told twice in one pass"
    return found


def read(probe: Probe, proc: Path = LINUX_6_18) -> dict[tuple[str, ...], float]:
    return values(probe.collect(host(proc)))
