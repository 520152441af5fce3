"""Who a process is: the recorded shop, and real children of this test."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from collectors.kernel import procfs
from collectors.processes import identity
from tests.collectors.probes.recorded import LINUX_6_18, LIVE, SHOP_PID

VERSION = f"python{sys.version_info.major}.{sys.version_info.minor}"
WAIT = "print('up', flush=True)\nimport sys; sys.stdin.read()\n"


@contextmanager
def running(*argv: str, **options) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, **options)
    try:
        assert process.stdout.readline() == b"up\n"
        yield process
    finally:
        process.kill()
        process.communicate()


def test_the_recorded_process_is_the_shop_on_python():
    (process,) = identity.python_processes(LINUX_6_18)
    assert process == identity.Process(SHOP_PID, "python3.11", "shop.py", "python3.11", 300536)


def test_a_script_names_the_service(tmp_path: Path):
    (tmp_path / "till.py").write_text(WAIT)
    with running(sys.executable, "till.py", cwd=tmp_path) as process:
        assert identity.service_of(process.pid) == "till.py"
        assert identity.runtime_of(process.pid) == VERSION
        assert process.pid in {found.pid for found in identity.python_processes()}


def test_a_configured_name_wins_and_no_other_variable_is_kept(tmp_path: Path):
    environment = {**os.environ, "OTEL_SERVICE_NAME": "till", "PASSWORD": "hunter2"}
    with running(sys.executable, "-c", WAIT, env=environment) as process:
        assert identity.service_of(process.pid) == "till"
        text = procfs.read(f"/proc/{process.pid}/environ")
    assert set(identity._environment(text)) <= {b"OTEL_SERVICE_NAME", b"HOSTNAME"}


def test_an_exec_is_asked_about_again():
    code = f"{WAIT}import os\nos.execvp('sleep', ['sleep', '60'])"
    with running(sys.executable, "-c", code) as process:
        before = identity.runtime_of(process.pid)
        process.stdin.close()
        deadline = time.monotonic() + 10
        while identity.service_of(process.pid) != "sleep" and time.monotonic() < deadline:
            time.sleep(0.02)
        assert (before, identity.runtime_of(process.pid)) == (VERSION, "native")
        process.stdin = None


def test_a_shell_is_native():
    with running("sh", "-c", "echo up; read line") as process:
        assert identity.runtime_of(process.pid) == "native"
        assert identity.service_of(process.pid) == "sh"


@pytest.mark.parametrize(
    ("maps", "runtime"),
    [
        (b"7f00 r-xp 0 08:01 1 /usr/lib/x86_64-linux-gnu/libpython3.12.so.1.0\n", "python3.12"),
        (b"7f00 r-xp 0 08:01 1 /usr/lib/python3.13/lib-dynload/_json.so\n", "python3.13"),
        (b"7f00 r-xp 0 08:01 1 /usr/lib/libc.so.6\n", "native"),
    ],
)
def test_an_embedded_interpreter_is_found_by_its_library(tmp_path: Path, maps, runtime):
    recorded(tmp_path, exe="/usr/bin/uwsgi", maps=maps)
    assert identity.runtime_of(7, tmp_path) == runtime


def test_a_go_program_is_known_by_its_build_note(tmp_path: Path):
    recorded(tmp_path, exe="", maps=b"")
    note = (4).to_bytes(4, "little") + (83).to_bytes(4, "little") + b"\x04\x00\x00\x00Go\x00\x00" + b"x" * 83
    (tmp_path / "7/exe").write_bytes(b"\x7fELF" + bytes(3996) + note)
    assert identity.runtime_of(7, tmp_path) == "go"


def test_a_program_that_may_not_be_looked_at_is_known_by_its_command_line(tmp_path: Path):
    recorded(tmp_path, exe="", maps=b"", cmdline=b"/usr/bin/python3\0till.py\0")
    assert identity.runtime_of(7, tmp_path) == "python3"
    assert identity.service_of(7, tmp_path) == "till.py"


def test_a_process_without_a_command_line_is_asked_about_again(tmp_path: Path):
    recorded(tmp_path, exe="", maps=b"", cmdline=b"")
    assert identity.service_of(7, tmp_path) == "python3.11"
    (tmp_path / "7/cmdline").write_bytes(b"till\0")
    assert identity.service_of(7, tmp_path) == "till"


def test_a_process_that_is_gone_has_no_service():
    assert identity.service_of(2**22 + 1, LIVE) == ""
    assert identity.runtime_of(2**22 + 1, LIVE) == "native"


def recorded(root: Path, exe: str, maps: bytes, cmdline: bytes = b"till\0") -> None:
    directory = root / "7"
    directory.mkdir()
    (directory / "stat").write_bytes((LINUX_6_18 / str(SHOP_PID) / "stat").read_bytes())
    (directory / "cmdline").write_bytes(cmdline)
    (directory / "maps").write_bytes(maps)
    if exe:
        (directory / "exe").symlink_to(exe)
