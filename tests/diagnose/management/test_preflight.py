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
