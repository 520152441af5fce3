"""What py-spy said, recorded, and what a person reads."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from collectors.capture.dump import look
from collectors.capture.failures import explain

STAT = "812 (shop) S 1 812 812 0 -1 4194304 0 0 0 0 1 1 0 0 20 0 4 0 100 1000000 500 0 0 0 0"
PERMISSION = (
    "Permission Denied: Try running again with elevated permissions by going 'sudo env \"PATH=$PATH\" !!'\n"
)


@pytest.fixture
def proc(tmp_path: Path) -> Path:
    """A /proc with process 812 (shop), a collector without capabilities, and Yama at 1."""
    (tmp_path / "812").mkdir()
    (tmp_path / "812/stat").write_text(STAT)
    (tmp_path / "self").mkdir()
    (tmp_path / "self/status").write_text("Name:\tcollector\nCapEff:\t0000000000000000\n")
    (tmp_path / "sys/kernel/yama").mkdir(parents=True)
    (tmp_path / "sys/kernel/yama/ptrace_scope").write_text("1\n")
    return tmp_path


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("Error: Failed to find python version from target process\n", "is not a Python process"),
        (
            "Error: Unsupported version of Python: 3.99.0\n",
            "runs Python 3.99.0, which this py-spy does not know",
        ),
        (
            "Error: Failed to find a python interpreter in the .data section\n",
            "has no running interpreter that py-spy can find",
        ),
        (PERMISSION, "may not read the memory of process 812 (shop)"),
        (
            "Error: Failed to copy x\n\nCaused by: Operation not permitted (os error 1)\n",
            "may not read the memory",
        ),
        (
            "Error: Max thread recursion depth reached\n",
            "could not sample process 812 (shop): Max thread recursion",
        ),
        ("", "could not sample process 812 (shop): it said nothing."),
    ],
)
def test_each_complaint_names_the_process_and_the_reason(proc, said, told):
    message = explain(812, said, proc)
    assert told in message
    assert "812 (shop)" in message
    assert "Caused by" not in message


def test_whatever_py_spy_says_of_a_process_that_is_gone_it_is_gone(proc):
    (proc / "812/stat").write_text(STAT.replace(") S", ") Z"))
    assert "Process 812 is gone" in explain(812, PERMISSION, proc)
    assert "Process 4711 is gone" in explain(4711, "Error: anything", proc)


def test_ptrace_scope_is_named_when_it_may_be_the_reason(proc):
    assert "kernel.yama.ptrace_scope is 1" in explain(812, PERMISSION, proc)
    (proc / "sys/kernel/yama/ptrace_scope").write_text("0\n")
    assert "ptrace_scope" not in explain(812, PERMISSION, proc)


def test_the_remedy_depends_on_who_asks(proc):
    told = explain(812, PERMISSION, proc)
    assert ("--cap-add SYS_PTRACE" if os.geteuid() == 0 else "run the collector as root") in told
    (proc / "self/status").write_text("CapEff:\t000001ffffffffff\n")
    assert "a security module or a user namespace" in explain(812, PERMISSION, proc)


def explained(*command: str) -> str:
    code = "from collectors.capture.failures import explain; print(explain(4000000, ''))"
    return subprocess.run(
        [*command, sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout


@pytest.mark.root(to="make namespaces")
def test_a_collector_in_a_pid_namespace_of_its_own_says_so():
    isolated = ("unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc")
    assert "start it with --pid=host" in explained(*isolated)
    if Path("/proc/self/ns/pid").stat().st_ino == 0xEFFFFFFC:
        assert "--pid=host" not in explained()


@pytest.mark.root(to="give up a capability")
def test_root_without_the_capability_to_trace_is_told_to_add_it(busy):
    code = f"""
        from collectors.capture.dump import look
        from collectors.capture.failures import CaptureError
        try: look({busy.pid})
        except CaptureError as error: print(error)
    """
    bare = ("setpriv", "--bounding-set=-sys_ptrace", "--inh-caps=-sys_ptrace")
    said = subprocess.run(
        [*bare, sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, check=True
    ).stdout
    assert f"may not read the memory of process {busy.pid}" in said
    assert "start it with --cap-add SYS_PTRACE and --pid=host" in said


@pytest.mark.parametrize("path", [sys.executable, "/usr/bin/python3"])
def test_an_interpreter_without_symbols_is_sampled_under_any_name(path, tmp_path):
    """Where there is a program to strip it; py-spy then looks through the interpreter's data."""
    strip = shutil.which("strip")
    if strip is None or not Path(path).exists():
        pytest.skip("there is no strip (binutils) here, or no such Python")
    nameless = tmp_path / "shopd"
    shutil.copy(Path(path).resolve(), nameless)
    subprocess.run([strip, "--strip-all", nameless], check=True)
    environment = {**os.environ, "PYTHONHOME": sys.base_prefix if path == sys.executable else "/usr"}
    process = subprocess.Popen(
        [nameless, "-c", "print('ready', flush=True); input()"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=environment,
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        assert [[frame.name for frame in thread.frames] for thread in look(process.pid)] == [["<module>"]]
    finally:
        process.communicate(b"\n")
