"""What py-spy said, recorded, and what a person reads."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

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
