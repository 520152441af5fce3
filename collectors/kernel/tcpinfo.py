"""What TCP measured on connections, of the end of tcp_info: of many at once, as columns of 32-bit words.

From tcpi_pmtu on nothing in it moves with the clock: as long as a connection has no traffic its bytes stay the same.
"""

from __future__ import annotations

import sys
from array import array
from collections.abc import Sequence

# include/uapi/linux/tcp.h; it reaches the end of tcpi_sndbuf_limited since Linux 4.10.
BEGIN, END = 60, 192
BYTES = END - BEGIN
NOTHING = bytes(BYTES)
RTT, RECEIVE_SPACE, RETRANSMITS, MIN_RTT, SEGMENTS_IN, SEGMENTS_OUT = (
    (offset - BEGIN) // 4 for offset in (68, 96, 100, 148, 152, 156)
)
# Two words each; times in microseconds.
DELIVERY_RATE, BUSY, WINDOW_LIMITED, BUFFER_LIMITED = (
    (offset - BEGIN) // 4 for offset in (160, 168, 176, 184)
)
WIDE = {DELIVERY_RATE, BUSY, WINDOW_LIMITED, BUFFER_LIMITED}
_WORDS = BYTES // 4
_LOW, _HIGH = (0, 1) if sys.byteorder == "little" else (1, 0)


class Measured:
    """The ends of the tcp_info of some connections."""

    def __init__(self, ends: Sequence[bytes]) -> None:
        self._words = array("I", b"".join(ends))

    def of(self, field: int, most: int | None = None) -> Sequence[int]:
        """Each connection's, or that of the first `most`."""
        end = None if most is None else most * _WORDS
        if field not in WIDE:
            return self._words[field:end:_WORDS]
        low, high = self._words[field + _LOW : end : _WORDS], self._words[field + _HIGH : end : _WORDS]
        return [upper << 32 | lower for lower, upper in zip(low, high, strict=True)] if any(high) else low

    def increase(self, before: Measured, field: int) -> int:
        """Of all together since `before`, which are the same connections in the same order."""
        if field not in WIDE:
            return self._increase(before, field)
        return self._increase(before, field + _LOW) + (self._increase(before, field + _HIGH) << 32)

    def _increase(self, before: Measured, word: int) -> int:
        now, then = self._words[word::_WORDS], before._words[word::_WORDS]
        # Most columns did not change at all, which is seen without making a number of each word.
        return 0 if now == then else sum(now) - sum(then)
