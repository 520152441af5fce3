"""Columns of what TCP measured: sums and increases, of counters of 64 bits too."""

from __future__ import annotations

import struct

from hypothesis import given
from hypothesis import strategies as st

from collectors.kernel import tcpinfo
from collectors.kernel.tcpinfo import BUSY, DELIVERY_RATE, RETRANSMITS, Measured

U32, U64 = st.integers(0, 2**32 - 1), st.integers(0, 2**64 - 1)


def end(retransmits: int, busy: int) -> bytes:
    data = bytearray(tcpinfo.BYTES)
    struct.pack_into("=I", data, 4 * RETRANSMITS, retransmits)
    struct.pack_into("=Q", data, 4 * BUSY, busy)
    return bytes(data)


@given(st.lists(st.tuples(U32, U64, U32, U64)))
def test_increases_are_those_of_the_whole_numbers(rows):
    before = Measured([end(retransmits, busy) for retransmits, busy, _, _ in rows])
    now = Measured([end(retransmits, busy) for _, _, retransmits, busy in rows])
    assert now.increase(before, RETRANSMITS) == sum(row[2] - row[0] for row in rows)
    assert now.increase(before, BUSY) == sum(row[3] - row[1] for row in rows)
    assert list(now.of(BUSY)) == [row[3] for row in rows]
    assert list(now.of(BUSY, 2)) == [row[3] for row in rows[:2]]


def test_nothing_measured_is_nothing():
    assert list(Measured([]).of(DELIVERY_RATE)) == []
    assert Measured([]).increase(Measured([]), BUSY) == 0
