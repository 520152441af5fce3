"""A tiny process that outlives a killed supervisor just long enough to end the groups that did not end by themselves.

PR_SET_PDEATHSIG reaches a supervisor's children but not their children, and a child may be stuck. The keeper holds
the reading end of a pipe; its end of file means that the supervisor is gone.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
from pathlib import Path

_LOOK_EVERY_SECONDS = 0.2


def living_groups(groups: set[int], proc: Path = Path("/proc")) -> set[int]:
    """Which of the process groups have a member that is no zombie."""
    living = set()
    for directory in proc.iterdir():
        if not directory.name.isdigit():
            continue
        with contextlib.suppress(OSError):
            # The name in parentheses may hold anything; state, ppid and pgrp follow the last one.
            state, _, group = (directory / "stat").read_text(errors="replace").rpartition(")")[2].split()[:3]
            if state not in {"Z", "X"} and int(group) in groups:
                living.add(int(group))
    return living


class Keeper:
    """Forked from the supervisor, so it costs next to no memory."""

    def __init__(self, grace_seconds: float) -> None:
        read, self._write = os.pipe()
        self._pid = os.fork()
        if self._pid == 0:
            try:
                os.close(self._write)
                _keep(read, grace_seconds)
            finally:
                os._exit(0)
        os.close(read)

    def watch(self, group: int) -> None:
        self._tell(f"+{group}\n")

    def forget(self, group: int) -> None:
        self._tell(f"-{group}\n")

    def dismiss(self) -> None:
        """The supervisor has stopped everything itself."""
        os.close(self._write)
        with contextlib.suppress(ChildProcessError):
            os.waitpid(self._pid, 0)

    def _tell(self, line: str) -> None:
        with contextlib.suppress(BrokenPipeError):  # somebody killed the keeper: the death signal remains
            os.write(self._write, line.encode())


def _keep(read: int, grace_seconds: float) -> None:
    os.setsid()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    signal.set_wakeup_fd(-1)
    null = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):  # a terminal or a log pipe must not wait for us
        os.dup2(null, descriptor)
    _end(_read_groups(read), grace_seconds)


def _read_groups(read: int) -> set[int]:
    """The groups that were watched when the supervisor's end was closed."""
    groups: set[int] = set()
    with os.fdopen(read) as lines:
        for line in lines:
            group = int(line[1:])
            groups.add(group) if line[0] == "+" else groups.discard(group)
    return groups


def _end(groups: set[int], grace_seconds: float) -> None:
    """The kernel has sent SIGTERM to the leaders; what is left of their groups after the grace is killed."""
    deadline = time.monotonic() + grace_seconds
    while (left := living_groups(groups)) and time.monotonic() < deadline:
        time.sleep(_LOOK_EVERY_SECONDS)
    for group in left:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(group, signal.SIGKILL)
