"""What the TCP stack counted about incoming connections, per network namespace."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from diagnose.correlate.samples import Samples, Series

READS = (
    "netstat_TcpExt_ListenOverflows",
    "netstat_TcpExt_ListenDrops",
    "netstat_TcpExt_TCPReqQFullDoCookies",
    "netstat_TcpExt_TCPReqQFullDrop",
    "netstat_Tcp_PassiveOpens",
)


@dataclass(frozen=True, slots=True)
class ListenCounts:
    """Increases over the window. None: not counted on this kernel.

    `busiest_second_arrivals` is the highest rate of accepted and refused connections together between two readings.
    """

    overflows: float
    drops: float
    syn_queue_full: float
    opened: float | None
    busiest_second_arrivals: float
    seconds: float


@dataclass(frozen=True, slots=True)
class ListenCounters:
    """By network namespace; '' is the host's own."""

    by_netns: dict[str, ListenCounts]

    @classmethod
    def derive(cls, samples: Samples) -> ListenCounters | None:
        found = {
            each.labels.get("netns", ""): _counts(each, samples)
            for each in samples.of("netstat_TcpExt_ListenOverflows")
        }
        return cls(found) if found else None


def _counts(overflows: Series, samples: Samples) -> ListenCounts:
    netns = overflows.labels.get("netns", "")

    def find(key: str) -> Series | None:
        same = (s for s in samples.of(f"netstat_{key}") if s.labels.get("netns", "") == netns)
        return next(same, None)

    def total(key: str) -> float:
        series = find(key)
        return series.total if series else 0.0

    opened = find("Tcp_PassiveOpens")
    return ListenCounts(
        overflows=overflows.total,
        drops=total("TcpExt_ListenDrops"),
        syn_queue_full=total("TcpExt_TCPReqQFullDoCookies") + total("TcpExt_TCPReqQFullDrop"),
        opened=opened.total if opened else None,
        busiest_second_arrivals=_busiest_second(overflows, opened),
        seconds=samples.seconds,
    )


def _busiest_second(overflows: Series, opened: Series | None) -> float:
    arrivals = overflows.values
    if opened and np.array_equal(opened.times_ns, overflows.times_ns):
        arrivals = arrivals + opened.values
    if len(arrivals) < 2:
        return float(arrivals.sum())
    return float((arrivals[1:] / np.maximum(np.diff(overflows.times_ns) / 1e9, 1e-3)).max())
