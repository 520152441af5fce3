"""What a thread waits for, from /proc/PID/task/TID/syscall: the call it is in, of a futex its address and timeout."""

# ruff: noqa: PTH115 - pathlib costs five times as much, and this runs for every thread
from __future__ import annotations

import os
import platform
from dataclasses import dataclass

from collectors.kernel import procfs

# Numbers of system calls by kind: arch/x86/entry/syscalls/syscall_64.tbl, include/uapi/asm-generic/unistd.h.
_X86_64 = {
    "futex": (202, 449),
    "accept": (43, 288),
    "poll": (232, 281, 441, 7, 271, 23, 270),
    "receive": (45, 47, 299),
    "send": (44, 46, 307),
    "read": (0, 17, 19, 295),
    "write": (1, 18, 20, 296),
    "connect": (42,),
    "sleep": (35, 230),
    "child": (61, 247),
    "sync": (74, 75, 277, 26),
    "file": (257, 208, 426, 73),
    "signal": (128, 130, 34),
}
_GENERIC = {
    "futex": (98, 449),
    "accept": (202, 242),
    "poll": (22, 441, 73, 72),
    "receive": (207, 212, 243),
    "send": (206, 211, 269),
    "read": (63, 67, 65, 69),
    "write": (64, 68, 66, 70),
    "connect": (203,),
    "sleep": (101, 115),
    "child": (260, 95),
    "sync": (82, 83, 84, 227),
    "file": (56, 4, 426, 32),
    "signal": (137, 133),
}
_TABLE = {"x86_64": _X86_64, "aarch64": _GENERIC, "riscv64": _GENERIC}.get(platform.machine(), {})
_KINDS = {number: kind for kind, numbers in _TABLE.items() for number in numbers}
_FUTEX_COMMAND = 0x7F  # without FUTEX_PRIVATE_FLAG and FUTEX_CLOCK_REALTIME
_WAIT_COMMANDS = {0, 6, 9, 11, 13}  # WAIT, LOCK_PI, WAIT_BITSET, WAIT_REQUEUE_PI, LOCK_PI2
KINDS = (
    "running",
    "lock",
    "timed_lock",
    "accept",
    "poll",
    "receive",
    "send",
    "connect",
    "pipe",
    "file",
    "sync",
    "sleep",
    "child",
    "signal",
    "other",
)


@dataclass(frozen=True, slots=True)
class Wait:
    """`futex` is the address that a `lock` or `timed_lock` waits at, else 0."""

    kind: str
    futex: int = 0


_RUNNING, _OTHER = Wait("running"), Wait("other")
_SIMPLE = {kind: Wait(kind) for kind in KINDS}


def parse(text: bytes, root: str, pid: int) -> Wait:
    """Of `running`, `-1 0x… 0x…`, or `202 0xargument … 0xstack 0xinstruction` (proc_pid_syscall, fs/proc/base.c)."""
    if text.startswith(b"running"):
        return _RUNNING
    fields = text.split()
    number = procfs.number(fields[0]) if len(fields) == 9 else None
    kind = _KINDS.get(number) if number is not None else None
    if kind is None:
        return _OTHER
    if kind == "futex":
        return _futex(fields)
    if kind in ("read", "write"):
        return _SIMPLE[_kind_of_file(f"{root}/{pid}/fd/{_hexadecimal(fields[1])}", kind)]
    return _SIMPLE[kind]


def _futex(fields: list[bytes]) -> Wait:
    """A wait with a timeout is how CPython up to 3.13 waits for the GIL, but also how an idle queue is polled."""
    address, command, timeout = (_hexadecimal(fields[at]) for at in (1, 2, 4))
    if command & _FUTEX_COMMAND not in _WAIT_COMMANDS:
        return _OTHER
    return Wait("timed_lock" if timeout else "lock", address)


def _kind_of_file(link: str, kind: str) -> str:
    try:
        target = os.readlink(link)
    except OSError:
        return "other"
    if target.startswith("socket:"):
        return "receive" if kind == "read" else "send"
    return "pipe" if target.startswith("pipe:") else "file" if target.startswith("/") else "other"


def _hexadecimal(field: bytes) -> int:
    try:
        return int(field, 16)
    except ValueError:
        return 0
