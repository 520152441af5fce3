"""Where the interpreter's lock lies, by maps as kernels write them (show_map_vma, fs/proc/task_mmu.c)."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from collectors.processes.interpreterlock import InterpreterLocks, parse_maps
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


def test_the_librarys_data_and_what_follows_it_is_the_interpreters_and_nothing_else():
    assert parse_maps(LIBRARY) == [(0x7F382BD00000, 0x7F382BD40000), (0x7F382BD40000, 0x7F382BD60000)]


def test_a_program_that_holds_the_interpreter_is_known_by_its_name_also_when_it_was_deleted():
    maps = (
        b"00400000-00500000 r-xp 00000000 08:01 1  /usr/bin/python3.11\n"
        b"00945000-00a84000 rw-p 00545000 08:01 1  /usr/bin/python3.11\n"
        b"00a84000-00ac9000 rw-p 00000000 00:00 0 \n"
        b"01a84000-01ac9000 rw-p 00000000 00:00 0  [heap]\n"
        b"7f0000000000-7f0000001000 rw-p 00001000 08:01 2  /usr/lib/libc.so.6\n"
        b"7f0000001000-7f0000002000 rw-p 00000000 00:00 0 \n"
        b"7f0000002000-7f0000003000 rw-p 00001000 08:01 3  /app/python-thing/lib/libx.so\n"
        b"7f0000003000-7f0000003100 rw-p 00001000 08:01 3  /app/_struct.cpython-311-x86_64-linux-gnu.so\n"
        b"7f0000004000-7f0000005000 rw-p 00001000 08:01 4  /opt/lib/libpython3.13.so.1.0 (deleted)\n"
    )
    assert parse_maps(maps) == [
        (0x945000, 0xA84000),
        (0xA84000, 0xAC9000),
        (0x7F0000004000, 0x7F0000005000),
    ]


@given(st.binary(max_size=200), st.integers(0, len(LIBRARY)))
def test_spoilt_maps_answer_something(noise, cut):
    for start, end in parse_maps(LIBRARY[:cut] + noise):
        assert start >= 0
        assert end >= 0


def test_a_process_that_is_gone_has_nobody_waiting():
    locks = InterpreterLocks(str(LIVE))
    locks.add(2**22 + 1, [(1, 0x7F00), (2, 0x7F04)])
    assert locks.waiting(2**22 + 1, [1, 2], 1) == 0
