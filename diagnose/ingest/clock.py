"""A host whose clock is far off keeps its data: every time in its batch is moved by the difference.

The difference is measured at each arrival: `sent_ns` is stamped when a batch is sent, not when it was spooled.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from diagnose.ingest.content import Malformed
from diagnose.store.rows import NS_PER_SECOND

# A batch takes seconds to arrive and clocks kept by NTP differ by far less; half a minute is a wrong clock.
TOLERATED_SKEW_SECONDS = 30.0
# Within half of the bound, two attempts at the same batch could decide differently.
DOUBTFUL_SKEW_SECONDS = 15.0
_LATEST_NS = 1 << 62


def skew_seconds(sent_ns: int, received_ns: int) -> float:
    """Host clock minus server clock, the time on the way included."""
    return (sent_ns - received_ns) / NS_PER_SECOND


def shift_ns(sent_ns: int, received_ns: int) -> int:
    """What to add to a batch's times; 0 while its clock is good enough."""
    return 0 if abs(skew_seconds(sent_ns, received_ns)) <= TOLERATED_SKEW_SECONDS else received_ns - sent_ns


def is_doubtful(sent_ns: int, received_ns: int, recorded_skew_seconds: float | None) -> bool:
    """Whether an earlier attempt at this batch may have moved its times by something else."""
    skews = skew_seconds(sent_ns, received_ns), recorded_skew_seconds or 0.0
    return max(map(abs, skews)) > DOUBTFUL_SKEW_SECONDS


@dataclass(slots=True)
class Clock:
    """Turns the times of one batch into the server's. `clamped` counts those that lay after its sending."""

    shift_ns: int
    received_ns: int
    clamped: int = 0

    def time(self, ns: int) -> int:
        """A reading cannot be newer than its arrival: one that claims so is taken as read just then."""
        if not 0 <= ns < _LATEST_NS:
            raise Malformed(f"time {ns} is no Unix time in nanoseconds; times count from 1970, up to 2116")
        moved = max(0, ns + self.shift_ns)
        if moved > self._latest_ns:
            self.clamped += 1
            return self.received_ns
        return moved

    def times(self, ns: NDArray[np.int64]) -> NDArray[np.int64]:
        """The same for many."""
        if len(ns) and not 0 <= int(ns.min()) <= int(ns.max()) < _LATEST_NS:
            raise Malformed(
                "a point's time is no Unix time in nanoseconds; times count from 1970, up to 2116"
            )
        moved = np.maximum(ns + self.shift_ns, 0)
        ahead = moved > self._latest_ns
        self.clamped += int(np.count_nonzero(ahead))
        return np.where(ahead, self.received_ns, moved)

    @property
    def _latest_ns(self) -> int:
        return self.received_ns + int(TOLERATED_SKEW_SECONDS * NS_PER_SECOND)
