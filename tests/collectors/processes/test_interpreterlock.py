"""Where the interpreter's lock lies, by maps as kernels write them (show_map_vma, fs/proc/task_mmu.c)."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from collectors.processes.interpreterlock import InterpreterLocks, is_static_data
from tests.collectors.probes.recorded import LIVE

LIBRARY = b"""\
55e5eb400000-55e5eb401000 r-xp 00000000 fe:00 1234                       /usr/bin/python3.11
55e5eb575000-55e5eb5f0000 rw-p 00000000 00:00 0                          [heap]
7f382bb00000-7f382bd00000 r-xp 00000000 fe:00 4321                       /usr/lib/libpython3.11.so.1.0
7f382bd00000-7f382bd40000 rw-p 00200000 fe:00 4321                       /usr/lib/libpython3.11.so.1.0
7f382bd40000-7f382bd60000 rw-p 00000000 00:00 0
7f382bd61000-7f382be00000 rw-p 00000000 00:00 0
7f382be00000-7f382be10000 r-xp 00000000 fe:00 99                         /usr/lib/libc.so.6
7f382be10000-7f382be20000 rw-p 00000000 00:00 0
"""


def test_the_librarys_data_and_what_follows_it_is_inside_and_nothing_else():
    inside = {
        0x7F382BD00010: True,
        0x7F382BD4E6F0: True,  # .bss
        0x7F382BD60000: False,  # past its end
        0x7F382BD61000: False,  # an arena of malloc with a gap before it
        0x55E5EB5751E0: False,
        0x7F382BE10000: False,
        0x10: False,
    }
    assert {address: is_static_data(LIBRARY, address) for address in inside} == inside


@given(st.binary(max_size=200), st.integers(0, len(LIBRARY)), st.integers(0, 2**64 - 1))
def test_spoilt_maps_answer_something(noise, cut, address):
    assert is_static_data(LIBRARY[:cut] + noise, address) in {True, False}


def test_a_process_that_is_gone_has_nobody_waiting():
    locks = InterpreterLocks(str(LIVE))
    locks.add(2**22 + 1, [(1, 0x7F00), (2, 0x7F04)])
    assert locks.waiting(2**22 + 1, [1, 2], 1) == 0
