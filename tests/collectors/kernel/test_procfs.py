"""Shared readings of /proc, on the recorded tree and on real processes."""

from __future__ import annotations

import resource
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.kernel import procfs
from collectors.probe import NoData
from tests.collectors.probes.recorded import LINUX_6_18, LIVE, SHOP_PID

STAT = (LINUX_6_18 / str(SHOP_PID) / "stat").read_bytes()


@contextmanager
def child(code: str, **options) -> Iterator[subprocess.Popen[bytes]]:
    """A Python process that has said "up"."""
    process = subprocess.Popen(
        [sys.executable, "-c", f"{code}\nprint('up', flush=True)\nimport sys; sys.stdin.read()"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        **options,
    )
    try:
        assert process.stdout.readline() == b"up\n"
        yield process
    finally:
        process.kill()
        process.communicate()


def test_a_recorded_stat_line_is_understood():
    stat = procfs.parse_stat(SHOP_PID, STAT)
    assert (stat.name, stat.state, stat.kernel) == ("python3.11", "S", False)
    assert (stat.threads, stat.start_ticks, stat.cpu_seconds) == (4, 300536, 0.01)
    assert stat.resident_bytes == 2761 * procfs.PAGE_BYTES


def test_a_name_with_blanks_and_parentheses_does_not_shift_the_fields():
    line = STAT.replace(b"(python3.11)", b"(a) R 1 (b)")
    assert procfs.parse_stat(1, line).name == "a) R 1 (b"
    assert procfs.parse_stat(1, line).threads == 4


def test_open_descriptors_are_counted_in_a_recorded_tree_by_listing():
    assert procfs.open_fds(LINUX_6_18, SHOP_PID) == 10


def test_open_descriptors_of_a_live_process_are_all_counted():
    with child("kept = [open('/dev/null') for _ in range(300)]") as process:
        assert procfs.open_fds(LIVE, process.pid) == len(list(Path(f"/proc/{process.pid}/fd").iterdir()))
        assert procfs.open_fds(LIVE, process.pid) >= 303


def test_the_soft_descriptor_limit_of_a_real_child_is_read():
    def lower() -> None:
        resource.setrlimit(resource.RLIMIT_NOFILE, (77, 99))

    with child("", preexec_fn=lower) as process:
        assert procfs.fd_limit(LIVE, process.pid) == 77


def test_an_unlimited_descriptor_limit_is_none():
    assert (
        procfs.parse_fd_limit(b"Max open files            unlimited            unlimited            files\n")
        is None
    )


def test_links_are_the_lowest_or_spread_over_all():
    with child("kept = [open('/dev/null') for _ in range(300)]") as process:
        lowest = procfs.fd_links(LIVE, process.pid, 20)
        spread = procfs.fd_links(LIVE, process.pid, 20, spread=True)
    assert [int(name) for name, _ in lowest] == list(range(20))
    assert 10 <= len(spread) <= 20
    assert int(spread[-1][0]) > 250


def test_a_process_that_is_gone_has_no_readings():
    with child("") as process:
        pass
    assert procfs.stat(LIVE, process.pid) is None
    assert procfs.open_fds(LIVE, process.pid) is None
    assert procfs.fd_limit(LIVE, process.pid) is None
    assert procfs.fd_links(LIVE, process.pid, 10) == []


def test_a_missing_file_is_no_data_with_its_name(tmp_path: Path):
    with pytest.raises(NoData, match="pressure/cpu does not exist"):
        procfs.need(tmp_path, "pressure/cpu")
    with pytest.raises(NoData, match="cannot be listed"):
        procfs.pids(tmp_path / "proc")


def test_a_long_file_is_read_whole_and_a_bounded_read_stops(tmp_path: Path):
    (tmp_path / "long").write_bytes(b"x" * 300_000)
    assert len(procfs.read(f"{tmp_path}/long")) == 300_000
    assert len(procfs.read(f"{tmp_path}/long", 1000)) < 300_000


@given(st.integers(0, len(STAT)), st.binary(max_size=20))
def test_a_garbled_stat_line_is_none_or_a_stat(cut, noise):
    procfs.parse_stat(1, STAT[:cut] + noise)
    procfs.parse_stat(1, noise + STAT[cut:])
    procfs.parse_fd_limit(b"Max open files" + noise)


@given(st.binary(max_size=40))
def test_a_number_is_exact_or_none(text):
    number = procfs.number(text)
    assert number is None or int(text) == number
