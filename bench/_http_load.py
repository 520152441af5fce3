"""nginx under wrk on loopback, and what a request costs: the CPU time of both, the kernel's work for them included."""

from __future__ import annotations

import os
import re
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

PORT = 18_491
CONNECTIONS = 32
_TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
_SETTINGS = """
daemon off; master_process off; pid {folder}/pid; error_log {folder}/error;
events {{ worker_connections 1024; }}
http {{ access_log off; keepalive_requests 100000000; server {{ listen 127.0.0.1:{port}; return 200 "hello"; }} }}
"""


@dataclass(frozen=True, slots=True)
class Round:
    """Of one run of wrk."""

    requests_per_second: float
    cpu_microseconds_per_request: float


@contextmanager
def nginx(folder: Path) -> Iterator[int]:
    """A server in one process, of which this is the pid."""
    settings = folder / "nginx.conf"
    settings.write_text(_SETTINGS.format(folder=folder, port=PORT))
    process = subprocess.Popen(
        ["/usr/sbin/nginx", "-c", str(settings), "-p", str(folder)], stderr=subprocess.DEVNULL
    )
    try:
        time.sleep(0.5)
        if process.poll() is not None:
            raise RuntimeError(f"nginx did not start; see {folder}/error (apt-get install nginx)")
        yield process.pid
    finally:
        process.kill()
        process.wait()


def load(server_pid: int, seconds: int) -> Round:
    """Keep-alive requests as fast as they go."""
    server_before, client_before = _cpu_seconds(server_pid), _children_seconds()
    done = subprocess.run(
        ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", f"http://127.0.0.1:{PORT}/"],
        capture_output=True,
        text=True,
        check=True,
    )
    spent = _cpu_seconds(server_pid) - server_before + _children_seconds() - client_before
    match = re.search(r"(\d+) requests in ([\d.]+)s", done.stdout)
    if match is None:
        raise RuntimeError(f"wrk said: {done.stdout}")
    requests = int(match[1])
    return Round(requests / float(match[2]), spent / requests * 1e6)


def _cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS_PER_SECOND


def _children_seconds() -> float:
    times = os.times()
    return times.children_user + times.children_system
