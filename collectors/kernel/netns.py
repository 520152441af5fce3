"""Network namespaces of local processes: which there are, and a netlink socket inside one of them."""

# ruff: noqa: PTH116 - pathlib costs five times as much, and these run for every process
from __future__ import annotations

import ctypes
import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from collectors.kernel import procfs
from collectors.kernel.sockdiag import SockDiag
from collectors.probe import NoData

_CLONE_NEWNET = 0x40000000  # include/uapi/linux/sched.h
_ENTER_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Namespace:
    """`pid` is a process that lives in it, through which its files are read."""

    inode: int
    pid: int


def inode_of(root: Path, pid: int | str) -> int | None:
    """None when the process is gone or belongs to somebody this user may not look at."""
    try:
        return os.stat(f"{root}/{pid}/ns/net").st_ino
    except OSError:
        return None


def others(root: Path) -> Iterator[Namespace]:
    """Every namespace but our own that some process lives in, once. NoData at the end when some could not be read."""
    own = inode_of(root, "self")
    if own is None:
        raise NoData(
            f"{root}/self/ns/net may not be seen, so other network namespaces cannot be told from our own"
        )
    seen = {own}
    hidden = 0
    for pid in procfs.pids(root):
        inode = inode_of(root, pid)
        if inode is None:
            hidden += pid != 1 and _runs(root, pid)
        elif inode not in seen:
            seen.add(inode)
            yield Namespace(inode, pid)
    # PID 1 may hide itself even from root; it lives where its children do.
    if hidden:
        raise NoData(
            f"the network namespaces of {hidden} processes may not be seen: run the collector as root or with "
            "CAP_SYS_PTRACE"
        )


def _runs(root: Path, pid: int) -> bool:
    """Whether it runs user code: kernel threads and zombies live in no namespace that matters."""
    stat = procfs.stat(root, pid)
    return stat is not None and not stat.kernel and stat.state not in "ZX"


def sock_diag_inside(root: Path, namespace: Namespace) -> SockDiag:
    """A netlink socket of the namespace. Close it when the namespace's processes are gone: it keeps it alive.

    setns() moves the calling thread only, so a thread of its own goes in, opens the socket and ends.
    """
    opened: list[SockDiag] = []
    errors: list[NoData] = []

    def enter() -> None:
        try:
            _set_network_namespace(f"{root}/{namespace.pid}/ns/net")
            opened.append(SockDiag())
        except NoData as error:
            errors.append(error)

    thread = threading.Thread(target=enter, name="netns", daemon=True)
    thread.start()
    thread.join(_ENTER_SECONDS)
    if opened:
        return opened[0]
    raise errors[0] if errors else NoData(f"entering network namespace {namespace.inode} took too long")


def _set_network_namespace(path: str) -> None:
    """os.setns() came with Python 3.12; the C library has it everywhere."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        raise NoData(f"{path} cannot be opened: {error.strerror}") from None
    try:
        library = ctypes.CDLL(None, use_errno=True)
        if library.setns(descriptor, _CLONE_NEWNET) != 0:
            reason = os.strerror(ctypes.get_errno())
            raise NoData(
                f"setns({path}) failed: {reason}; the collector needs CAP_SYS_ADMIN to enter namespaces"
            )
    finally:
        os.close(descriptor)
