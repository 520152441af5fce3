"""Readings of /proc that several probes share. Every function takes the root, so tests give it a recorded tree.

Text may be cut short or garbled (a process that ends while it is read): parsers answer None or leave a line out.
"""

# ruff: noqa: PTH115, PTH116, PTH208 - pathlib costs five times as much, and these run for every process
from __future__ import annotations

import os
import stat as mode
from dataclasses import dataclass
from functools import cache
from itertools import islice
from pathlib import Path

from collectors.probe import NoData

TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")

_CHUNK_BYTES = 1 << 16
_KERNEL_THREAD = 0x00200000  # PF_KTHREAD, include/linux/sched.h
_DIGITS_OF_U64 = 20
_PROC_ROOT_INODE = 1  # PROC_ROOT_INO, include/linux/proc_ns.h


@dataclass(slots=True)
class Stat:
    """What /proc/PID/stat says of one process. Not frozen: hundreds are made every pass, and frozen costs 4×."""

    pid: int
    name: str
    state: str
    kernel: bool
    cpu_seconds: float
    threads: int
    start_ticks: int
    resident_bytes: int


def read(path: str, most: int | None = None) -> bytes:
    """The file, or its beginning once `most` bytes were read. OSError as it comes."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        data = os.read(descriptor, _CHUNK_BYTES)
        # A short read is no end in /proc: seq files hand out whole records, about a page at a time.
        while most is None or len(data) < most:
            part = os.read(descriptor, _CHUNK_BYTES)
            if not part:
                break
            data += part
        return data
    finally:
        os.close(descriptor)


def read_record(path: str) -> bytes:
    """A file of a process that the kernel hands out in one piece: one read is all of it."""
    return read(path, 1)


def need(root: Path, name: str) -> bytes:
    """The file `name` below `root`; NoData with the reason when the kernel or the privileges do not give it."""
    path = f"{root}/{name}"
    try:
        return read(path)
    except FileNotFoundError:
        raise NoData(f"{path} does not exist: this kernel was built without it") from None
    except PermissionError:
        raise NoData(f"{path} may not be read by this user: run the collector as root") from None
    except OSError as error:
        raise NoData(f"{path} cannot be read: {error.strerror}") from None


def number(text: bytes) -> int | None:
    """An unsigned decimal number of at most 64 bits' length, else None."""
    return int(text) if text.isdigit() and len(text) <= _DIGITS_OF_U64 else None


def numbers(line: bytes) -> list[int] | None:
    """All fields of a line, or None when one of them is no number."""
    found = [number(field) for field in line.split()]
    return None if None in found else [value for value in found if value is not None]


def pids(root: Path | str) -> list[int]:
    """All process ids, or those of threads. NoData when /proc itself cannot be listed."""
    try:
        return [int(name) for name in os.listdir(root) if name.isascii() and name.isdigit()]
    except OSError as error:
        raise NoData(f"{root} cannot be listed: {error.strerror}") from None


def parse_stat(pid: int, text: bytes) -> Stat | None:
    """Of /proc/PID/stat; the name may hold blanks and parentheses, so the last ')' ends it."""
    head, _, tail = text.rpartition(b") ")
    fields = tail.split(None, 22)
    if len(fields) < 22 or not fields[0].isalpha():
        return None
    chosen = [number(fields[at]) for at in (6, 11, 12, 17, 19, 21)]
    if None in chosen:
        return None
    flags, user, system, threads, start, pages = (value or 0 for value in chosen)
    return Stat(
        pid,
        head.partition(b"(")[2].decode("utf-8", "replace"),
        fields[0].decode("ascii"),
        bool(flags & _KERNEL_THREAD),
        (user + system) / TICKS_PER_SECOND,
        threads,
        start,
        pages * PAGE_BYTES,
    )


def stat(root: Path | str, pid: int) -> Stat | None:
    """None when the process is gone, or its line cannot be understood."""
    try:
        return parse_stat(pid, read_record(f"{root}/{pid}/stat"))
    except OSError:
        return None


@cache
def _directory_size_counts(root: str) -> bool:
    """Since Linux 6.2 (f1f1f2569901) the size of /proc/PID/fd is the number of open descriptors."""
    try:
        return os.stat(root).st_ino == _PROC_ROOT_INODE and os.stat(f"{root}/self/fd").st_size > 0
    except OSError:
        return False


def open_fds(root: Path | str, pid: int) -> int | None:
    """How many descriptors a process has open; None when it is gone or may not be looked at."""
    path = f"{root}/{pid}/fd"
    try:
        if _directory_size_counts(str(root)):
            return os.stat(path).st_size
        return len(os.listdir(path))
    except OSError:
        return None


def parse_fd_limit(text: bytes) -> int | None:
    """The soft limit of open files in /proc/PID/limits; None when unlimited or not there."""
    _, found, rest = text.partition(b"Max open files")
    fields = rest.partition(b"\n")[0].split()
    return number(fields[0]) if found and fields else None


def fd_limit(root: Path | str, pid: int) -> int | None:
    """Soft RLIMIT_NOFILE of a process."""
    try:
        return parse_fd_limit(read(f"{root}/{pid}/limits"))
    except OSError:
        return None


def fd_links(root: Path | str, pid: int, most: int, spread: bool = False) -> list[tuple[str, str]]:
    """(descriptor, target) of at most `most` descriptors: the lowest, or evenly spread over all."""
    path = f"{root}/{pid}/fd"
    links = []
    try:
        for name in _spread(os.listdir(path), most) if spread else _first(path, most):
            links.append((name, os.readlink(f"{path}/{name}")))
    except OSError:
        pass
    return links


def _spread(names: list[str], most: int) -> list[str]:
    step = max(1, -(-len(names) // most))
    return names[: most * step : step]


def _first(path: str, most: int) -> list[str]:
    """The kernel makes an entry for each name that it lists, 1 µs: who has ten thousand is not asked for all."""
    with os.scandir(path) as entries:
        return [entry.name for entry in islice(entries, most)]


def is_directory(path: str) -> bool:
    """Whether there is such a directory that this user may see."""
    try:
        return mode.S_ISDIR(os.stat(path).st_mode)
    except OSError:
        return False
