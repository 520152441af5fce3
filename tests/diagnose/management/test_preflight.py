"""Every refusal before the start is one line with the value and the remedy."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from diagnose.management import preflight
from diagnose.management.preflight import Refusal


def test_a_taken_port_is_refused_with_its_holder_and_the_setting():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(Refusal, match=f"port {port} is taken by .*process {os.getpid()}.*DIAGNOSE_PORT"):
            preflight.check_port("127.0.0.1", port, "DIAGNOSE_PORT")
    preflight.check_port("127.0.0.1", port, "DIAGNOSE_PORT")


def test_a_port_that_somebody_shares_is_refused_although_the_server_could_share_it_too():
    with socket.create_server(("127.0.0.1", 0), reuse_port=True) as orphan:
        port = orphan.getsockname()[1]
        with pytest.raises(Refusal, match=f"port {port} is taken by .*process {os.getpid()}"):
            preflight.check_port("127.0.0.1", port, "DIAGNOSE_PORT")


SHARING = """
import socket, sys
server = socket.create_server(("127.0.0.1", int(sys.argv[1])), reuse_port=True)
print("up", flush=True)
sys.stdin.read()
"""


def test_who_began_to_share_the_port_at_the_same_moment_is_told_by_name():
    with socket.create_server(("127.0.0.1", 0), reuse_port=True) as ours:
        port = ours.getsockname()[1]
        preflight.check_alone(port, "DIAGNOSE_PORT", os.getpgrp())
        command = [sys.executable, "-c", SHARING, str(port)]
        other = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
        )
        try:
            assert other.stdout.readline() == b"up\n"
            with pytest.raises(Refusal, match=rf"port {port} is listened on by .*process {other.pid}\) too"):
                preflight.check_alone(port, "DIAGNOSE_PORT", os.getpgrp())
        finally:
            other.kill()
            other.communicate()
    preflight.check_alone(port, "DIAGNOSE_PORT", os.getpgrp())


def test_who_listens_on_the_same_port_of_another_address_shares_nothing():
    with (
        socket.create_server(("127.0.0.1", 0)) as ours,
        socket.create_server(("127.0.0.2", ours.getsockname()[1])),
    ):
        preflight.check_alone(ours.getsockname()[1], "DIAGNOSE_PORT", os.getpgrp())


def test_an_address_of_another_machine_is_refused():
    with pytest.raises(Refusal, match="no address of this machine"):
        preflight.check_port("192.0.2.1", 18890, "DIAGNOSE_PORT")


def test_a_data_dir_below_a_file_is_refused(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(
        Refusal, match=r"DATA_DIR=.*file/data.* cannot be used \(Not a directory\); set DATA_DIR"
    ):
        preflight.prepare_data_dir(tmp_path / "file" / "data")


def test_a_data_dir_is_made_private(tmp_path):
    preflight.prepare_data_dir(tmp_path / "data")
    assert (tmp_path / "data").stat().st_mode & 0o777 == 0o700


def test_a_path_too_long_for_a_unix_socket_is_refused():
    with pytest.raises(Refusal, match="set DATA_DIR to a shorter path"):
        preflight.check_socket_path(Path("/" + "d" * 120 + "/valkey.sock"))


def test_a_second_supervisor_on_one_data_dir_is_refused(tmp_path):
    script = (
        "import sys, time, pathlib; from diagnose.management.preflight import take_lock;"
        "take_lock(pathlib.Path(sys.argv[1]), print); print('taken', flush=True); time.sleep(60)"
    )
    first = subprocess.Popen([sys.executable, "-c", script, str(tmp_path / "lock")], stdout=subprocess.PIPE)
    try:
        assert first.stdout
        assert first.stdout.readline() == b"taken\n"
        with pytest.raises(Refusal, match=rf"already runs on .* \(process {first.pid}\)"):
            preflight.take_lock(tmp_path / "lock", print)
    finally:
        first.kill()
        first.wait()
    os.close(preflight.take_lock(tmp_path / "lock", print))


def test_each_missing_capability_is_told_by_what_will_not_be_seen(tmp_path):
    status, yama = tmp_path / "status", tmp_path / "ptrace_scope"
    status.write_text("Name:\tx\nCapEff:\t0000000000000000\n")
    assert len(preflight.unseen(status, yama)) == 3
    status.write_text("Name:\tx\nCapEff:\t000001ffffffffff\n")
    assert preflight.unseen(status, yama) == []
    status.write_text(f"Name:\tx\nCapEff:\t{0x1FFFFFFFFFF & ~(1 << 19):016x}\n")
    assert preflight.unseen(status, yama) == ["stacks of other users' Python processes"]
    yama.write_text("1\n")
    assert preflight.unseen(status, yama) == ["stacks of any Python process (kernel.yama.ptrace_scope)"]
