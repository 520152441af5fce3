"""The samplers' own control group: real ones where this host has them, and trees of files for the others."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from collectors.capture.confine import Confinement

PROC, SYS = Path("/proc"), Path("/sys")
MIB = 1024 * 1024


def groups_of(pid: int) -> str:
    return Path(f"/proc/{pid}/cgroup").read_text()


@pytest.mark.root(to="make a control group")
def test_a_process_is_moved_and_the_group_goes_when_it_is_empty():
    confinement = Confinement(0.03, 60 * MIB, PROC, SYS)
    if confinement.reason:
        pytest.skip(f"this machine allows {confinement.reason}")
    sleeper = subprocess.Popen(["/bin/sleep", "60"])
    try:
        confinement.admit(sleeper.pid)
        assert f"/diagnose-stacks-{os.getpid()}" in groups_of(sleeper.pid)
        assert "diagnose-stacks" not in groups_of(os.getpid())
    finally:
        sleeper.kill()
        sleeper.wait()
        confinement.remove()
    assert list(SYS.glob(f"fs/cgroup/**/diagnose-stacks-{os.getpid()}")) == []


@pytest.mark.root(to="make a control group")
def test_the_kernel_holds_what_is_in_it_to_the_memory():
    confinement = Confinement(0.5, 20 * MIB, PROC, SYS)
    if confinement.reason:
        pytest.skip(f"this machine allows {confinement.reason}")
    greedy = subprocess.Popen(
        ["/usr/bin/python3", "-c", "input(); kept = bytearray(64 << 20)"],
        stdin=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    try:
        confinement.admit(greedy.pid)
        greedy.communicate(b"\n", timeout=30)
        assert greedy.returncode == -9
    finally:
        greedy.kill()
        greedy.wait()
        confinement.remove()


def unified(tmp_path: Path, controllers: str) -> Path:
    """A v2 tree of plain files, where the collector has a group."""
    (tmp_path / "proc/self").mkdir(parents=True)
    (tmp_path / "proc/self/cgroup").write_text("0::/collector.service\n")
    for group in ("sys/fs/cgroup", "sys/fs/cgroup/collector.service"):
        (tmp_path / group).mkdir(parents=True)
        for name in ("cgroup.procs", "cgroup.subtree_control", "cgroup.controllers"):
            (tmp_path / group / name).write_text(controllers)
    return tmp_path / "sys/fs/cgroup/collector.service"


def test_the_unified_hierarchy_hands_both_controllers_down(tmp_path, monkeypatch):
    group = unified(tmp_path, "cpu io memory")
    made = group / f"diagnose-stacks-{os.getpid()}"
    mkdir = Path.mkdir

    def as_the_kernel_does(path: Path, *arguments, **more) -> None:
        mkdir(path, *arguments, **more)
        for name in ("cpu.max", "memory.max", "cgroup.procs"):
            (path / name).touch()

    monkeypatch.setattr(Path, "mkdir", as_the_kernel_does)
    confinement = Confinement(0.03, 60 * MIB, tmp_path / "proc", tmp_path / "sys")
    assert confinement.reason == ""
    assert (made / "cpu.max").read_text() == "120000 1000000"
    assert (made / "memory.max").read_text() == str(60 * MIB)
    confinement.admit(812)
    assert (made / "cgroup.procs").read_text() == "812"


def test_where_no_group_can_be_made_it_is_said_and_nothing_is_left(tmp_path, monkeypatch):
    group = unified(tmp_path, "cpu memory")

    def refuse(path: Path, *_, **__) -> None:
        raise OSError(30, "Read-only file system", str(path))

    monkeypatch.setattr(Path, "mkdir", refuse)
    confinement = Confinement(0.03, 60 * MIB, tmp_path / "proc", tmp_path / "sys")
    assert confinement.reason.startswith("no control group of its own (Read-only file system: ")
    assert [path for path in group.iterdir() if path.is_dir()] == []
    confinement.admit(os.getpid())


def test_a_host_without_the_controllers_is_told(tmp_path):
    unified(tmp_path, "io")
    confinement = Confinement(0.03, 60 * MIB, tmp_path / "proc", tmp_path / "sys")
    assert "no hierarchy with cpu and memory" in confinement.reason
