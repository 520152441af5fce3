"""Connections that the peer closed and a process of this host did not, by process."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from diagnose.correlate.samples import Samples

READS = ("tcp_close_wait", "tcp_close_wait_oldest_seconds", "tcp_connection_states")


@dataclass(frozen=True, slots=True)
class CloseWait:
    """One process. `grown` is how many more there are in its network namespace than `seconds` before; `steady`: they
    never became fewer in that time, over three readings at least."""

    pid: int
    service: str
    netns: str
    count: float
    oldest_seconds: float
    grown: float
    seconds: float
    steady: bool

    @property
    def per_second(self) -> float:
        return self.grown / self.seconds if self.seconds else 0.0


@dataclass(frozen=True, slots=True)
class CloseWaits:
    """Those that hold some now. It is there, and empty, where connections are read and nobody does."""

    processes: tuple[CloseWait, ...]

    @classmethod
    def derive(cls, samples: Samples) -> CloseWaits | None:
        growth = _growth(samples)
        if not growth:
            return None
        oldest = samples.by_process("tcp_close_wait_oldest_seconds")
        found = [
            CloseWait(
                pid,
                series.labels.get("service", ""),
                netns,
                series.last,
                oldest[pid].last if pid in oldest else 0.0,
                *growth.get(netns, (0.0, 0.0, False)),
            )
            for pid, series in samples.by_process("tcp_close_wait").items()
            for netns in [series.labels.get("netns", "")]
            if samples.is_present(series)
        ]
        return cls(tuple(found))


def _growth(samples: Samples) -> dict[str, tuple[float, float, bool]]:
    """By network namespace: how many more than at the start of the growth, since when, and whether without a fall."""
    found = {}
    for series in samples.of("tcp_connection_states"):
        if series.labels.get("state") != "close_wait" or not len(series.values):
            continue
        values = [float(value) for value in series.values]
        first = len(values) - 1
        while first and values[first - 1] <= values[first]:
            first -= 1
        seconds = float(series.times_ns[-1] - series.times_ns[first]) / 1e9
        rising = values[first:]
        steady = len(rising) >= 3 and sum(a < b for a, b in pairwise(rising)) >= 2
        found[series.labels.get("netns", "")] = values[-1] - values[first], seconds, steady
    return found
