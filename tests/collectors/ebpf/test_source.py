"""Packs on the running kernel: attached while somebody holds them, gone when he is, and refusals in words."""

from __future__ import annotations

import errno
import os
import signal
import socket
import struct
import subprocess
import sys
import time
from pathlib import Path

import msgspec
import pytest

from collectors import histograms
from collectors.ebpf import duty, pack, support, syscalls
from collectors.ebpf.cells import Cell
from collectors.ebpf.source import Source
from collectors.probe import NoData
from collectors.probes.ebpf import endpoints, tcp_rtt, wakeups

PATH = tcp_rtt.TcpRtt()._source._path
WAKEUPS = wakeups.Wakeups()._source._path
PROG_GET_FD_BY_ID = 13
_ROOT = pytest.mark.root(to="load eBPF programs")

HOLDER = """
import struct, sys
from pathlib import Path
from collectors.ebpf import syscalls
from collectors.ebpf.source import Source
source = Source(Path(sys.argv[1]))
source.drain()
for program in source._loaded.programs.values():
    print(struct.unpack_from("<4xI", syscalls.info_of(program, 8))[0], flush=True)
sys.stdin.read()
"""


def exists(program_id: int) -> bool:
    try:
        os.close(syscalls.bpf(PROG_GET_FD_BY_ID, struct.pack("<III", program_id, 0, 0))[0])
    except FileNotFoundError:
        return False
    return True


def open_descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def wait_until_gone(program_id: int) -> None:
    deadline = time.monotonic() + 2
    while exists(program_id):
        assert time.monotonic() < deadline, f"program {program_id} is still loaded"
        time.sleep(0.01)


def talk(times: int = 400) -> int:
    """Some segments over loopback, to the port that it gives back."""
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.create_connection(server.getsockname()) as client,
    ):
        accepted, _ = server.accept()
        for _ in range(times):
            client.send(b"x")
            accepted.recv(1)
        accepted.close()
        return int(server.getsockname()[1])


def to_port(cells: list[Cell], port: int) -> list[Cell]:
    """Of the connections to a port: others talk on this host as well."""
    return [cell for cell in cells if endpoints.parse(cell.group).port == port]


@_ROOT
def test_nothing_stays_attached_when_the_process_is_killed():
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(PATH)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    try:
        program_id = int(holder.stdout.readline())
        assert exists(program_id)
        holder.send_signal(signal.SIGKILL)
        wait_until_gone(program_id)
    finally:
        holder.kill()
        holder.communicate()


@_ROOT
def test_closing_a_source_detaches_it_and_using_it_again_attaches_it_anew():
    source = Source(PATH)
    try:
        source.drain()
        (program,) = source._loaded.programs.values()
        (program_id,) = struct.unpack_from("<4xI", syscalls.info_of(program, 8))
        source.close()
        wait_until_gone(program_id)
        source.drain()
        talk()
        assert source.drain().cells
    finally:
        source.close()


@_ROOT
def test_the_kernels_buckets_are_those_of_the_scheme_and_each_event_is_told_once():
    source = Source(PATH)
    try:
        source.drain()
        port = talk()
        cells = to_port(source.drain().cells, port)
        assert sum(cell.count for cell in cells) >= 400
        for cell in cells:
            low, high = histograms.bounds("loglin20", cell.bucket)
            assert low <= cell.sum_ns / cell.count / 1e9 < high
        assert to_port(source.drain().cells, port) == []
    finally:
        source.close()


@_ROOT
def test_a_privilege_that_was_taken_away_is_said_and_the_pack_is_let_go(monkeypatch):
    def refuse(*_):
        raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))

    source = Source(PATH)
    source.drain()
    with monkeypatch.context() as patched:
        patched.setattr(syscalls, "bpf", refuse)
        with pytest.raises(NoData, match=r"reading tcp_rtt was refused .* CAP_BPF and CAP_PERFMON"):
            source.drain()
    assert source._loaded is None
    assert source.drain().cells == []
    source.close()


UNPRIVILEGED = """
import os, sys
from pathlib import Path
from collectors.ebpf.source import Source
from collectors.probe import NoData
from tests.collectors.ebpf.test_source import talk
source = Source(Path(sys.argv[1]))
source.drain()
talk()  # what it imports may not be readable later
os.setresuid(65534, 65534, 65534)
source.drain()
talk()
print("told" if source.drain().cells else "nothing")
source.rest()
for again in range(2):
    try:
        source.drain()
        print("attached")
    except NoData as error:
        print(error)
"""


@_ROOT
def test_a_process_that_gives_its_privileges_away_reads_on_and_cannot_attach_again():
    done = subprocess.run(
        [sys.executable, "-c", UNPRIVILEGED, str(WAKEUPS)],
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    told, refused, lacking = done.stdout.splitlines()
    assert told == "told"
    assert "CAP_BPF and CAP_PERFMON" in refused
    assert "lacks CAP_BPF and CAP_PERFMON" in lacking


@_ROOT
@pytest.mark.parametrize(
    "change",
    [{"instructions": bytes(80)}, {"programs": [pack.Program("segment_received", "tp/tcp/no_such_thing")]}],
    ids=["a loader that is no program", "a tracepoint that does not exist"],
)
def test_a_pack_that_the_kernel_refuses_is_no_data_and_leaves_nothing_open(tmp_path, change):
    path = tmp_path / "odd.pack"
    path.write_bytes(pack.encode(msgspec.structs.replace(pack.read(PATH), **change)))
    before = open_descriptors()
    with pytest.raises(NoData, match="odd"):
        Source(path).drain()
    assert open_descriptors() <= before + 1  # tracefs may have been opened, once


@_ROOT
def test_a_system_call_that_this_machine_lacks_is_passed_over(tmp_path):
    read = pack.read(WAKEUPS)
    first, *others = read.programs
    absent = pack.Program(first.name, "tp/syscalls/sys_exit_of_another_machine")
    path = tmp_path / "odd.pack"
    path.write_bytes(pack.encode(msgspec.structs.replace(read, programs=[absent, *others])))
    source = Source(path)
    try:
        source.drain()
        assert len(source._links) == 2 * len(others)
    finally:
        source.close()


@_ROOT
def test_a_pack_of_which_this_machine_has_no_system_call_at_all_is_no_data(tmp_path):
    read = pack.read(WAKEUPS)
    absent = [pack.Program(each.name, "tp/syscalls/sys_exit_of_another_machine") for each in read.programs]
    path = tmp_path / "odd.pack"
    path.write_bytes(pack.encode(msgspec.structs.replace(read, programs=absent)))
    with pytest.raises(NoData, match="lacks a tracepoint"):
        Source(path).drain()


@pytest.mark.parametrize("content", [b"", b"\x81", msgspec.msgpack.encode({"version": 1})])
def test_a_damaged_pack_names_itself_and_the_remedy(tmp_path, content, monkeypatch):
    monkeypatch.setattr(support, "missing", lambda: "")
    path = tmp_path / "damaged.pack"
    path.write_bytes(content)
    with pytest.raises(NoData, match=r"damaged\.pack cannot be read .*: install the collector again"):
        Source(path).drain()


@_ROOT
def test_a_pack_that_costs_too_much_rests_and_goes_on_by_itself():
    """At a price of a hundredth of a second an event, fifty events in a tenth of a second are far too many."""
    source = Source(PATH, duty.Duty(0.01))
    try:
        source.drain()
        talk()
        busy = source.drain()
        assert busy.cells
        assert busy.seconds > 0
        talk()
        resting = [source.drain() for _ in range(duty.MOST_RESTS)]
        assert all(each.cells == [] and each.seconds == 0 for each in resting)
        source.drain()
        talk()
        assert source.drain().cells
    finally:
        source.close()


@_ROOT
def test_what_is_told_to_rest_counts_nothing_until_it_is_drained_again():
    source = Source(PATH)
    try:
        source.drain()
        source.rest()
        port = talk()
        assert source.drain().seconds == 0
        assert to_port(source.drain().cells, port) == []
        port = talk()
        assert to_port(source.drain().cells, port)
    finally:
        source.close()


@pytest.mark.parametrize(("events", "rests"), [(0, 0), (40_000, 0), (150_000, 3), (10**9, duty.MOST_RESTS)])
def test_rests_keep_the_average_near_the_share(events, rests):
    assert duty.Duty(0.8e-6).rests_after(events * 10, 10.0) == rests


def test_a_pack_of_another_version_is_refused(tmp_path):
    path = tmp_path / "new.pack"
    path.write_bytes(pack.encode(msgspec.structs.replace(pack.read(PATH), version=2)))
    with pytest.raises(pack.BadPack, match="version 2, not 1"):
        pack.read(path)
