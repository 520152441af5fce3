"""Python servers as processes, and how fast each works."""

from __future__ import annotations

import os
import signal
import struct
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Server:
    """A server that runs until it is paused."""

    pid: int
    counts: Path
    threads: int

    def handled(self) -> int:
        return sum(struct.unpack(f"{self.threads}Q", self.counts.read_bytes()[: 8 * self.threads]))

    def rate(self, seconds: float) -> float:
        """Requests handled a second, over so long."""
        before, began = self.handled(), time.perf_counter()
        time.sleep(seconds)
        return (self.handled() - before) / (time.perf_counter() - began)

    @contextmanager
    def going(self) -> Iterator[Server]:
        """Only within."""
        os.kill(self.pid, signal.SIGCONT)
        try:
            yield self
        finally:
            os.kill(self.pid, signal.SIGSTOP)


@contextmanager
def serving(threads: int, service: str, sdk_port: int | None = None) -> Iterator[Server]:
    """A new server; going from the start."""
    with tempfile.NamedTemporaryFile(prefix="diagnose-bench-") as file:
        os.truncate(file.name, 8 * threads)
        more = [] if sdk_port is None else [str(sdk_port)]
        process = subprocess.Popen(
            [sys.executable, "-m", "bench._python_server", file.name, str(threads), *more],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "DIAGNOSE_SERVICE": service},
        )
        try:
            assert process.stdout is not None
            if process.stdout.readline() != b"ready\n":
                raise SystemExit(
                    "the server to be profiled did not start; see python -m bench._python_server"
                )
            yield Server(process.pid, Path(file.name), threads)
        finally:
            process.kill()
            process.communicate()


@contextmanager
def sink() -> Iterator[int]:
    """The port of a server that takes profiles and keeps none."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server.server_port
        server.shutdown()
