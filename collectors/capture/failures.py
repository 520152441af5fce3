"""py-spy's complaints in plain words, each with the remedy."""

from __future__ import annotations

import os
import re
from pathlib import Path

from collectors.kernel import procfs

_PTRACE_SCOPE = "sys/kernel/yama/ptrace_scope"
_UNSUPPORTED = re.compile(r"[Uu]nsupported version of Python: (\S+)")
_CAP_SYS_PTRACE = 19  # include/uapi/linux/capability.h
_HOST_PID_NAMESPACE = 0xEFFFFFFC  # PROC_PID_INIT_INO, include/linux/proc_ns.h
_LONGEST = 200


class CaptureError(Exception):
    """Why no stacks could be taken; the message is for the page."""


def explain(pid: int, output: str, proc: Path = Path("/proc")) -> str:
    """What py-spy's output means for the process `pid`."""
    subject = _named(pid, proc)
    unsupported = _UNSUPPORTED.search(output)
    if _is_gone(pid, proc):
        return (
            f"Process {pid} is gone: it ended or was restarted under another id. Choose it again from the list."
            f"{_own_namespace(proc)}"
        )
    if "Permission" in output or "permission" in output or "os error 1)" in output:
        return _no_permission(subject, proc)
    if unsupported:
        return (
            f"{_capital(subject)} runs Python {unsupported[1]}, which this py-spy does not know yet. "
            "Upgrade py-spy where the collector is installed."
        )
    if "Failed to find python version" in output or "Failed to get process executable name" in output:
        return f"{_capital(subject)} is not a Python process: py-spy found no interpreter in it."
    if "Failed to find a python interpreter" in output or "interpreter" in output.lower():
        return (
            f"{_capital(subject)} has no running interpreter that py-spy can find: "
            "it is still starting, or its Python was built in a way that py-spy cannot read. "
            "Try again, then upgrade py-spy."
        )
    return f"py-spy could not sample {subject}: {_first_line(output) or 'it said nothing'}."


def _named(pid: int, proc: Path) -> str:
    stat = procfs.stat(proc, pid)
    return f"process {pid} ({stat.name})" if stat else f"process {pid}"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _is_gone(pid: int, proc: Path) -> bool:
    """A zombie counts as gone: there is nothing left to sample."""
    stat = procfs.stat(proc, pid)
    return stat is None or stat.state in "ZX"


def _own_namespace(proc: Path) -> str:
    """Inside a container the host's ids name nobody, or somebody else."""
    try:
        number = (proc / "self/ns/pid").stat().st_ino
    except OSError:
        return ""
    if number == _HOST_PID_NAMESPACE:
        return ""
    return " The collector sees the processes of its own container only: start it with --pid=host."


def _no_permission(subject: str, proc: Path) -> str:
    remedy = "run the collector as root, or give it the capability CAP_SYS_PTRACE"
    if _may_trace(proc):
        remedy = "the collector has CAP_SYS_PTRACE, so a security module or a user namespace of the process forbids it"
    elif os.geteuid() == 0:
        remedy = (
            "the collector is root without CAP_SYS_PTRACE (a container, most likely): "
            "start it with --cap-add SYS_PTRACE and --pid=host"
        )
    return f"The collector may not read the memory of {subject}: {remedy}.{_yama(proc)}"


def _may_trace(proc: Path) -> bool:
    for line in (proc / "self/status").read_text().splitlines():
        name, _, value = line.partition(":")
        if name == "CapEff":
            return bool(int(value, 16) >> _CAP_SYS_PTRACE & 1)
    return False


def _yama(proc: Path) -> str:
    try:
        scope = int((proc / _PTRACE_SCOPE).read_text())
    except (OSError, ValueError):
        return ""
    if scope == 0:
        return ""
    return f" kernel.yama.ptrace_scope is {scope} here, which forbids it to everyone else."


def _first_line(output: str) -> str:
    for line in output.splitlines():
        text = line.removeprefix("py-spy>").removeprefix("Error:").strip()
        if text and not text.startswith("Sampling process"):
            return text.rstrip(".")[:_LONGEST]
    return ""
