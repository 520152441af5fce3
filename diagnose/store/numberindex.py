"""Numbers by digest, for hundreds of thousands of them: sorted arrays that are searched for many at once.

20 bytes an entry, a fifth of what a dictionary takes. What was learned lately lies in a second, small set of arrays,
so that learning a few does not copy all.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from diagnose.store.digests import Lanes

_RECENT_SHARE = 8


class _Sorted(NamedTuple):
    """Ascending by the first lane."""

    lanes: Lanes
    numbers: NDArray[np.int64]

    def find(self, lanes: Lanes) -> NDArray[np.int64]:
        if not len(self.numbers):
            return np.full(lanes.shape[1], -1, np.int64)
        at = np.searchsorted(self.lanes[0], lanes[0])
        at[at == len(self.numbers)] = 0
        while True:
            begins = self.lanes[0].take(at) == lanes[0]
            equal = begins & (self.lanes[1].take(at) == lanes[1])
            others = np.flatnonzero(begins & ~equal & (at < len(self.numbers) - 1))
            if not len(others):
                return np.where(equal, self.numbers.take(at), -1)
            at[others] += 1  # two digests share their first lane: once in a century

    def plus(self, other: _Sorted) -> _Sorted:
        lanes = np.concatenate((self.lanes, other.lanes), axis=1)
        order = np.argsort(lanes[0], kind="stable")
        return _Sorted(lanes[:, order], np.concatenate((self.numbers, other.numbers))[order])


_NONE = _Sorted(np.empty((2, 0), np.uint64), np.empty(0, np.int64))


class NumberIndex:
    """Both parts change in one assignment: whoever searches meanwhile sees the state before or after."""

    def __init__(self) -> None:
        self._parts = _NONE, _NONE

    def find(self, lanes: Lanes) -> NDArray[np.int64]:
        """The number of each digest, -1 for one that is not known."""
        main, recent = self._parts
        numbers = main.find(lanes)
        missing = np.flatnonzero(numbers < 0)
        if len(missing) and len(recent.numbers):
            numbers[missing] = recent.find(lanes[:, missing])
        return numbers

    def add(self, lanes: Lanes, numbers: NDArray[np.int64]) -> None:
        """Digests that are not known yet; one that another thread added meanwhile does no harm."""
        main, recent = self._parts
        recent = recent.plus(_Sorted(lanes, numbers))
        if len(recent.numbers) * _RECENT_SHARE > len(main.numbers):
            main, recent = main.plus(recent), _NONE
        self._parts = main, recent
