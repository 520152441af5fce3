"""The whole product as a user starts it: `manage.py up` as a process, with its output and its API."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

T = TypeVar("T")
ROOT = Path(__file__).resolve().parents[2]


class Product:
    """One `manage.py up` on a DATA_DIR and a port of its own (the stream takes the next one)."""

    def __init__(self, data_dir: Path, port: int) -> None:
        self.data_dir = data_dir
        self.port = port
        self.lines: list[str] = []
        # Only what is named here: nothing of the test run's own settings, nothing of a developer's .env.
        self.environ = {
            "PATH": os.environ["PATH"],
            "DATA_DIR": str(data_dir),
            "DIAGNOSE_PORT": str(port),
            "DIAGNOSE_STREAM_PORT": str(port + 1),
            "DIAGNOSE_BIND": "127.0.0.1",
            "SECRET_KEY": "",
            "DATABASE_URL": "",
            "REDIS_URL": "",
            "COLLECTOR_WHEELS": "0",
        }
        self.process: subprocess.Popen[str] | None = None

    def start(self) -> float:
        """Returns how many seconds it took until the pages answered."""
        began = time.monotonic()
        argv = [sys.executable, str(ROOT / "manage.py"), "up"]
        self.process = subprocess.Popen(
            argv, cwd=ROOT, env=self.environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        threading.Thread(target=self._read, args=(self.process,), daemon=True).start()
        self.wait_for_line("Diagnose runs at", 60)
        return time.monotonic() - began

    def _read(self, process: subprocess.Popen[str]) -> None:
        for line in process.stdout or ():
            self.lines.append(line.rstrip())

    def wait_for_line(self, text: str, seconds: float, since: int = 0) -> str:
        def found() -> str | None:
            return next((line for line in self.lines[since:] if text in line), None)

        return until(found, seconds, lambda: "\n".join(self.lines[-40:]))

    def stop(self, number: int = signal.SIGINT) -> int:
        assert self.process
        self.process.send_signal(number)
        return self.process.wait(30)

    def processes(self) -> dict[int, str]:
        """Every living process of this DATA_DIR with its command line; Valkey writes its title over its environment."""
        found = {}
        for directory in Path("/proc").iterdir():
            with contextlib.suppress(OSError):
                if directory.name.isdigit():
                    command = (directory / "cmdline").read_text().replace("\0", " ")
                    environ = (directory / "environ").read_bytes().split(b"\0")
                    if f"DATA_DIR={self.data_dir}".encode() in environ or f"{self.data_dir}/" in command:
                        found[int(directory.name)] = command
        return found

    def pid_of(self, part: str) -> int:
        return min(pid for pid, command in self.processes().items() if part in command)

    def kill_rest(self) -> None:
        for pid in self.processes():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def link(self) -> str:
        line = self.wait_for_line("/sign-in/", 5)
        return re.findall(r"(/sign-in/\S+)", line)[0]

    def ask(self, path: str, method: str = "GET", body: Any = None) -> Any:
        """JSON of `/api/v1`, as the first admin's token sees it."""
        headers = {"Authorization": f"Bearer {(self.data_dir / 'admin-token').read_text().strip()}"}
        data = None if body is None else json.dumps(body).encode()
        status, answer = self.request(method, f"/api/v1{path}", data, headers)
        assert status in {200, 201, 202}, f"{method} {path}: {status} {answer[:500]!r}"
        return json.loads(answer)

    def request(
        self, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None
    ) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.request(method, path, body=body, headers=headers or {})
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()


def until(ask: Callable[[], T | None], seconds: float, explain: Callable[[], str] = lambda: "") -> T:
    """The first answer that is true; fails after so many seconds."""
    deadline = time.monotonic() + seconds
    while True:
        answer = ask()
        if answer:
            return answer
        assert time.monotonic() < deadline, f"not within {seconds:g} s\n{explain()}"
        time.sleep(0.2)
