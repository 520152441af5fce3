"""The product's own services as processes to measure, with the CPU time and memory that each takes."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from diagnose.management.supervise import Service

_TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True, slots=True)
class Usage:
    """Of all processes of one service together; `cpu_seconds` since they began."""

    cpu_seconds: float
    rss_bytes: int


@contextmanager
def started(services: Sequence[Service]) -> Iterator[dict[str, int]]:
    """The process group of each service by its name; ended last first."""
    processes: list[subprocess.Popen[bytes]] = []
    try:
        for service in services:
            environ = {**os.environ, **service.env}
            processes.append(
                subprocess.Popen(
                    list(service.argv), env=environ, stdout=subprocess.DEVNULL, start_new_session=True
                )
            )
            time.sleep(1)
        yield {service.name: process.pid for service, process in zip(services, processes, strict=True)}
    finally:
        for process in reversed(processes):
            _end(process)


def wait_for(ready: Callable[[], bool]) -> None:
    for _ in range(300):
        if ready():
            return
        time.sleep(0.1)
    raise SystemExit("the web process did not come up within 30 seconds")


def _end(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(15)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def usage_of(group: int) -> Usage:
    """Summed over the members of a process group that live; children that ended count with their parent."""
    cpu = rss = 0
    for directory in Path("/proc").iterdir():
        if directory.name.isdigit():
            try:
                fields = (directory / "stat").read_text(errors="replace").rpartition(")")[2].split()
            except OSError:
                continue
            # Counted from the state, which is the first: pgrp is 3rd, the four CPU times 12th to 15th, rss 22nd.
            if int(fields[2]) == group:
                cpu += sum(map(int, fields[11:15]))
                rss += int(fields[21])
    return Usage(cpu / _TICKS_PER_SECOND, rss * _PAGE_BYTES)
