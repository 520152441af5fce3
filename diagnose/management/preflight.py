"""What must hold before anything is started. Each refusal is one line: the value, the place, the remedy."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import socket
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path

_LONGEST_SOCKET_PATH = 107  # sun_path has 108 bytes with the final zero (unix(7))
_WAIT_FOR_PREVIOUS_SECONDS = 15.0
_LISTEN = "0A"  # TCP_LISTEN in /proc/net/tcp (include/net/tcp_states.h)
# Bits of CapEff in /proc/self/status (capabilities(7)).
_SYS_PTRACE, _DAC_READ_SEARCH, _SYS_ADMIN = 19, 2, 21


class Refusal(Exception):
    """The product cannot start; the message says why and what to do."""


def prepare_data_dir(data_dir: Path) -> None:
    """Make it, private to its owner, and try to write."""
    try:
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        probe = data_dir / ".writable"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise Refusal(
            f"DATA_DIR={str(data_dir)!r} cannot be used ({error.strerror}); "
            "set DATA_DIR to a directory that this user may write"
        ) from None


def check_socket_path(path: Path) -> None:
    if len(os.fsencode(path)) > _LONGEST_SOCKET_PATH:
        raise Refusal(
            f"DATA_DIR is too deep: {str(path)!r} has {len(os.fsencode(path))} bytes and a unix socket's path may have "
            f"{_LONGEST_SOCKET_PATH}; set DATA_DIR to a shorter path, or REDIS_URL to a server of your own"
        )


def take_lock(path: Path, say: Callable[[str], None]) -> int:
    """One supervisor a DATA_DIR. The lock lasts as long as this process and its keeper; returns its descriptor."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    deadline = time.monotonic() + _WAIT_FOR_PREVIOUS_SECONDS
    waiting = False
    while not _locked(descriptor):
        owner = os.pread(descriptor, 20, 0).decode().strip()
        if _runs(owner) or time.monotonic() > deadline:
            os.close(descriptor)
            raise Refusal(
                f"Diagnose already runs on {str(path.parent)!r} (process {owner}); "
                "stop it, or set DATA_DIR and DIAGNOSE_PORT for a second one"
            )
        if not waiting:
            say("waiting for the killed run before this one to end")
        waiting = True
        time.sleep(0.1)
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, str(os.getpid()).encode(), 0)
    return descriptor


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _runs(pid: str) -> bool:
    try:
        return (Path("/proc") / pid / "stat").read_text(errors="replace").rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def check_port(address: str, port: int, setting: str) -> None:
    """Bind it for a moment: the server itself would share it with whoever listens there already (SO_REUSEPORT)."""
    try:
        info = socket.getaddrinfo(address, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        with socket.socket(info[0], info[1]) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(info[4])
            probe.listen(1)
    except socket.gaierror as error:
        raise Refusal(
            f"DIAGNOSE_BIND={address!r} is no address of this machine ({error.strerror}); "
            "use 127.0.0.1, 0.0.0.0 or one that `ip address` shows"
        ) from None
    except OSError as error:
        raise Refusal(_why_not_bound(error, address, port, setting)) from None


def check_alone(port: int, setting: str, own_group: int | None) -> None:
    """After the start: whoever began at the same moment shares the port, and would get a part of all requests."""
    listening = _listening(port)
    holders = _holders(listening)
    own = {inode for inode, holder in holders.items() if holder.group == own_group}
    addresses = {listening[inode] for inode in own}
    for inode in listening.keys() - own:
        if listening[inode] in addresses:
            by = holders.get(inode) or "a process of another user"
            raise Refusal(
                f"port {port} is listened on by {by} too, which would get a part of all requests; "
                f"stop that, or set {setting} to a free port"
            )


def _why_not_bound(error: OSError, address: str, port: int, setting: str) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"port {port} is taken{_holder_of(port)}; stop that, or set {setting} to a free port"
    if error.errno == errno.EACCES:
        return f"port {port} needs root or CAP_NET_BIND_SERVICE; set {setting} to a port from 1024 on"
    if error.errno == errno.EADDRNOTAVAIL:
        return f"DIAGNOSE_BIND={address!r} is no address of this machine; use 127.0.0.1 or 0.0.0.0"
    return f"cannot listen on {address} port {port}: {error.strerror}; set {setting} or DIAGNOSE_BIND"


@dataclass(frozen=True, slots=True)
class _Holder:
    pid: int
    name: str
    group: int

    def __str__(self) -> str:
        return f"{self.name} (process {self.pid})"


def _holder_of(port: int) -> str:
    """` by NAME (process PID)` if this user may see whose it is."""
    return next((f" by {holder}" for holder in _holders(_listening(port)).values()), "")


def _holders(inodes: Collection[str]) -> dict[str, _Holder]:
    """Who holds these sockets, as far as this user may see it."""
    wanted = {f"socket:[{inode}]": inode for inode in inodes}
    found = {}
    for descriptor in Path("/proc").glob("[0-9]*/fd/*") if wanted else ():
        with contextlib.suppress(OSError):
            if (inode := wanted.get(str(descriptor.readlink()))) is not None:
                directory = descriptor.parent.parent
                pid = int(directory.name)
                found[inode] = _Holder(pid, (directory / "comm").read_text().strip(), os.getpgid(pid))
    return found


def _listening(port: int) -> dict[str, str]:
    """Address by inode of the sockets that listen on the port."""
    found = {}
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        with contextlib.suppress(OSError):
            for row in Path(table).read_text().splitlines()[1:]:
                columns = row.split()
                address, _, number = columns[1].rpartition(":")
                if columns[3] == _LISTEN and int(number, 16) == port:
                    found[columns[9]] = address
    return found


def unseen(
    status: Path = Path("/proc/self/status"), yama: Path = Path("/proc/sys/kernel/yama/ptrace_scope")
) -> list[str]:
    """What the collector of this host will not see with this process's privileges."""
    effective = next(
        int(line.split()[1], 16) for line in status.read_text().splitlines() if line.startswith("CapEff")
    )
    # 1 and above: a process may look only into its own children (Documentation/admin-guide/LSM/Yama.rst).
    restricted = yama.exists() and int(yama.read_text()) > 0
    whose = "any Python process (kernel.yama.ptrace_scope)" if restricted else "other users' Python processes"
    texts = {
        _SYS_PTRACE: f"stacks of {whose}",
        _DAC_READ_SEARCH: "owners of other users' listeners and open files",
        _SYS_ADMIN: "listeners inside other network namespaces",
    }
    return [text for bit, text in texts.items() if not effective >> bit & 1]
