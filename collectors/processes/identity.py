"""Who a process is: the service it belongs to, the runtime it uses, and the list of Python processes.

The service is the configured name (DIAGNOSE_SERVICE or OTEL_SERVICE_NAME in the process's environment), else the
Kubernetes workload, the container, the systemd unit, the cgroup, the command line; see `workload` and `commandline`.
Answers are kept per process, start time and name, so that an exec is asked about again.
"""

# ruff: noqa: PTH115, PTH119 - pathlib costs five times as much, and these run for every process
from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from collectors.kernel import procfs
from collectors.processes import commandline, processtable, workload

PROC = Path("/proc")
_NAME_VARIABLES = (b"DIAGNOSE_SERVICE", b"OTEL_SERVICE_NAME")
_PYTHON = re.compile(r"(?:lib)?python(\d\.\d+)")
_PYTHON_MAPPED = re.compile(rb"/libpython(\d\.\d+)|/python(\d\.\d+)/lib-dynload/")
_RUNTIMES = {"java": "java", "node": "node", "nodejs": "node", "ruby": "ruby", "perl": "perl", "php": "php"}
# An ELF note of type 4 (Go build id) by "Go"; linkers place notes in the first pages.
_GO_NOTE = b"\x04\x00\x00\x00Go\x00\x00"
_ELF_HEAD_BYTES = 1 << 16
_MAPS_MOST_BYTES = 1 << 20
_KEPT = 8192


@dataclass(frozen=True, slots=True)
class Process:
    """`start_ticks` since boot tells a process from a later one with the same pid."""

    pid: int
    name: str
    service: str
    runtime: str
    start_ticks: int


def service_of(pid: int, root: Path = PROC) -> str:
    """The service's name; the process's own name when nothing better is known, '' when it is gone."""
    found = processtable.of(root).find(pid)
    return describe(found, root).service if found else ""


def runtime_of(pid: int, root: Path = PROC) -> str:
    """`python3.11`, `go`, `java`, `node`, … or `native`."""
    found = procfs.stat(root, pid)
    return describe(found, root).runtime if found else "native"


def describe(stat: procfs.Stat, root: Path = PROC) -> Process:
    """Identity of a process whose stat was read already."""
    try:
        return _describe(str(root), stat.pid, stat.start_ticks, stat.name)
    except ProcessLookupError:
        return Process(stat.pid, stat.name, stat.name, "native", stat.start_ticks)


def python_processes(root: Path = PROC) -> Iterator[Process]:
    """All processes that run CPython, interpreters embedded in other programs included."""
    for stat in processtable.processes(root):
        process = describe(stat, root)
        if process.runtime.startswith("python"):
            yield process


@lru_cache(maxsize=_KEPT)
def _describe(root: str, pid: int, start_ticks: int, name: str) -> Process:
    arguments = _read(f"{root}/{pid}/cmdline").split(b"\0")[:-1]
    if not arguments:  # gone, or in the middle of an exec: an error is not kept by the cache
        raise ProcessLookupError(pid)
    words = [argument.decode("utf-8", "replace") for argument in arguments]
    return Process(pid, name, _service(root, pid, words) or name, _runtime(root, pid, words), start_ticks)


def _service(root: str, pid: int, words: list[str]) -> str:
    environment = _environment(_read(f"{root}/{pid}/environ"))
    for variable in _NAME_VARIABLES:
        if environment.get(variable):
            return environment[variable].decode("utf-8", "replace")
    cgroups = workload.parse_cgroup(_read(f"{root}/{pid}/cgroup"))
    return workload.name(cgroups, environment, Path(root)) or commandline.name(words)


def _environment(text: bytes) -> dict[bytes, bytes]:
    """Only the variables that name something are taken: the rest may hold secrets and is dropped here."""
    wanted = (*_NAME_VARIABLES, *workload.VARIABLES)
    pairs = (entry.partition(b"=") for entry in text.split(b"\0"))
    return {key: value for key, _, value in pairs if key in wanted}


def _runtime(root: str, pid: int, words: list[str]) -> str:
    program = _program(root, pid) or (os.path.basename(words[0]) if words else "")
    match = _PYTHON.match(program)
    if match:
        return f"python{match[1]}"
    if program in _RUNTIMES:
        return _RUNTIMES[program]
    mapped = _PYTHON_MAPPED.search(_read(f"{root}/{pid}/maps", _MAPS_MOST_BYTES))
    if mapped:
        return f"python{(mapped[1] or mapped[2]).decode()}"
    if program.startswith("python"):
        return "python3"
    return "go" if _GO_NOTE in _read(f"{root}/{pid}/exe", _ELF_HEAD_BYTES) else "native"


def _program(root: str, pid: int) -> str:
    try:
        return os.path.basename(os.readlink(f"{root}/{pid}/exe"))
    except OSError:
        return ""


def _read(path: str, most: int | None = None) -> bytes:
    """What may be read; nothing when the process is gone or belongs to another user."""
    try:
        return procfs.read(path, most)
    except OSError:
        return b""
