"""What the IP, TCP and UDP stacks counted lately, by network namespace."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from diagnose.correlate.samples import Samples, Series

_TCP_EXT = (
    "ListenOverflows",
    "ListenDrops",
    "TCPReqQFullDoCookies",
    "TCPReqQFullDrop",
    "SyncookiesSent",
    "SyncookiesRecv",
    "TW",
    "TCPTimeWaitOverflow",
    "TCPTimeouts",
    "TCPSackRecovery",
    "TCPDSACKRecv",
    "TCPRcvQDrop",
    "TCPBacklogDrop",
    "PruneCalled",
    "TCPMemoryPressures",
    "TCPAbortOnMemory",
    "TCPAbortOnTimeout",
    "TCPAbortOnData",
    "TCPToZeroWindowAdv",
    "DelayedACKs",
)
_TCP = ("ActiveOpens", "PassiveOpens", "AttemptFails", "EstabResets", "OutRsts", "OutSegs", "RetransSegs")
_UDP = ("InDatagrams", "RcvbufErrors", "InCsumErrors", "MemErrors")
READS = (
    *(f"netstat_TcpExt_{key}" for key in _TCP_EXT),
    *(f"netstat_Tcp_{key}" for key in _TCP),
    *(f"netstat_Udp_{key}" for key in _UDP),
)

# s; long enough for four readings of the slowest, short enough that what is over no longer counts
RECENT_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Counted:
    """Increases of one network namespace ('' is the host's own) over the last `seconds`, by the kernel's name.

    `lasting`: for how many seconds each has risen without a pause up to now, which tells a burst from what goes on.
    """

    netns: str
    seconds: float
    increases: Mapping[str, float]
    lasting: Mapping[str, float]

    @property
    def labels(self) -> tuple[tuple[str, str], ...]:
        """What selects its series."""
        return (("netns", self.netns),) if self.netns else ()

    def lasting_seconds(self, key: str) -> float:
        """For how long it has risen in every reading; 0 when the last one did not."""
        return self.lasting.get(key, 0.0)

    def of(self, *keys: str) -> float:
        """The increases of these together; those the kernel does not count add nothing."""
        return sum(self.increases.get(key, 0.0) for key in keys)

    def has(self, key: str) -> bool:
        """Whether this kernel counts it."""
        return key in self.increases

    def rate(self, *keys: str) -> float:
        """The same per second."""
        return self.of(*keys) / self.seconds


@dataclass(frozen=True, slots=True)
class TcpCounters:
    """By network namespace."""

    by_netns: Mapping[str, Counted]

    @classmethod
    def derive(cls, samples: Samples) -> TcpCounters | None:
        begin_ns = samples.end_ns - int(RECENT_SECONDS * 1e9)
        increases: dict[str, dict[str, float]] = {}
        lasting: dict[str, dict[str, float]] = {}
        first_ns: dict[str, int] = {}
        for metric in READS:
            for series in samples.of(metric):
                netns = series.labels.get("netns", "")
                lately = series.since(begin_ns)
                if len(lately.values):
                    key = metric.rpartition("_")[2]
                    increases.setdefault(netns, {})[key] = lately.total
                    lasting.setdefault(netns, {})[key] = _lasting_seconds(series)
                    first_ns.setdefault(netns, _begin_ns(series.times_ns, lately.times_ns))
        counted = {
            netns: Counted(netns, max(1.0, (samples.end_ns - first_ns[netns]) / 1e9), found, lasting[netns])
            for netns, found in increases.items()
        }
        return cls(counted) if counted else None


def _begin_ns(all_ns: NDArray[np.int64], lately_ns: NDArray[np.int64]) -> int:
    """When the first of the recent increases began: at the reading before it."""
    before = len(all_ns) - len(lately_ns) - 1
    return int(all_ns[before] if before >= 0 else lately_ns[0])


def _lasting_seconds(series: Series) -> float:
    """Of the run of readings that rose, up to the last one; a single one may have been a moment."""
    still = np.flatnonzero(series.values <= 0)
    first = int(still[-1]) if len(still) else 0
    if len(series.values) - first < 3:
        return 0.0
    return float(series.times_ns[-1] - series.times_ns[first]) / 1e9
