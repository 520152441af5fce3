"""nginx under load on loopback, and what a request costs: the CPU time of both ends, the kernel's work included."""

from __future__ import annotations

import re
import resource
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

PORT = 18_491
CONNECTIONS = 32
_URL = f"http://127.0.0.1:{PORT}/"
_SETTINGS = """
daemon off; master_process off; pid {folder}/pid; error_log {folder}/error;
events {{ worker_connections 1024; }}
http {{ access_log off; keepalive_requests 100000000; server {{ listen 127.0.0.1:{port}; return 200 "hello"; }} }}
"""


@dataclass(frozen=True, slots=True)
class Round:
    """Of one run of a load generator."""

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
    """Keep-alive requests as fast as they go, by wrk."""
    done, spent = _run(["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", _URL], server_pid)
    return _round(r"(\d+) requests in ([\d.]+)s", done, spent)


def paced_load(server_pid: int, seconds: int, requests_per_second: int) -> Round:
    """Keep-alive requests at a rate, by h2load."""
    rate = ["-D", str(seconds), "--rps", str(requests_per_second // CONNECTIONS)]
    done, spent = _run(["h2load", "--h1", "-t1", f"-c{CONNECTIONS}", *rate, _URL], server_pid)
    found = _round(r"requests: (\d+) total()", done, spent)
    return Round(found.requests_per_second / seconds, found.cpu_microseconds_per_request)


def _run(command: list[str], server_pid: int) -> tuple[str, float]:
    """What it said, and the CPU seconds of both ends."""
    server_before, client_before = _cpu_seconds(server_pid), _children_seconds()
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return done.stdout, _cpu_seconds(server_pid) - server_before + _children_seconds() - client_before


def _round(pattern: str, said: str, cpu_seconds: float) -> Round:
    match = re.search(pattern, said)
    if match is None:
        raise RuntimeError(f"the load generator said: {said}")
    requests = int(match[1])
    return Round(requests / float(match[2] or 1), cpu_seconds / requests * 1e6)


def _cpu_seconds(pid: int) -> float:
    """Of its one thread, by the scheduler's clock: /proc/PID/stat counts in hundredths."""
    return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e9


def _children_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
