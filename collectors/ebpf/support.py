"""Whether this host can run packs at all, and in words why not."""

from __future__ import annotations

import errno
import os
import platform
import re
from pathlib import Path

from collectors.ebpf import syscalls

# Loader programs came with 5.14 (BPF_PROG_TYPE_SYSCALL), relocation inside the kernel with 5.17.
LEAST_KERNEL = (5, 17)
_TYPES = "sys/kernel/btf/vmlinux"
_SYS_ADMIN, _PERFMON, _BPF = 21, 38, 39  # include/uapi/linux/capability.h


def missing(root: Path = Path("/"), release: str | None = None, machine: str | None = None) -> str:
    """The first thing that packs need and this host lacks, '' when it has all. `root` holds sys/ and proc/."""
    found = release or os.uname().release
    if (machine or platform.machine()) not in syscalls.MACHINES:
        return (
            f"this machine is {machine or platform.machine()}; packs run on {' and '.join(syscalls.MACHINES)}"
        )
    version = re.match(r"(\d+)\.(\d+)", found)
    if version is None or (int(version[1]), int(version[2])) < LEAST_KERNEL:
        return (
            f"Linux {found} is too old: eBPF programs without a compiler need {'.'.join(map(str, LEAST_KERNEL))} "
            "or newer; /proc and netlink go on"
        )
    if not (root / _TYPES).exists():
        return f"/{_TYPES} is missing: this kernel was built without CONFIG_DEBUG_INFO_BTF"
    return _missing_capabilities((root / "proc/self/status").read_text())


def _missing_capabilities(status: str) -> str:
    match = re.search(r"^CapEff:\s*([0-9a-f]+)", status, re.MULTILINE)
    effective = int(match[1], 16) if match else 0
    if effective >> _SYS_ADMIN & 1:
        return ""
    names = {_BPF: "CAP_BPF", _PERFMON: "CAP_PERFMON"}
    lacking = [name for bit, name in names.items() if not effective >> bit & 1]
    return (
        f"this user lacks {' and '.join(lacking)}: run the collector as root or grant them" if lacking else ""
    )


def explain(error: OSError, doing: str) -> str:
    """An error of the kernel while loading, attaching or reading, in words."""
    if error.errno in {errno.EPERM, errno.EACCES}:
        return f"{doing} was refused ({error.strerror}): the collector needs CAP_BPF and CAP_PERFMON, and lockdown off"
    if error.errno in {errno.ENOENT, errno.ESRCH}:
        return f"{doing} failed: this kernel lacks a tracepoint or field that it needs"
    if error.errno in {errno.ENOSYS, errno.EOPNOTSUPP}:
        return f"{doing} failed: this kernel was built without it ({error.strerror})"
    return f"{doing} failed: {error.strerror}"
