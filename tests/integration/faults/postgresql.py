"""A PostgreSQL of the distribution in a directory of its own, to be killed and started again."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

import pytest

from tests.integration.product import until

USER = "postgres"


def binaries() -> Path | None:
    """Where the newest server's programs are; Debian keeps them out of PATH."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda p: int(p.parts[-3]))
    if found:
        return found[-1].parent
    on_path = shutil.which("postgres")
    return Path(on_path).parent if on_path else None


def require_postgresql() -> None:
    """Pass the test over where there is no PostgreSQL or no driver of it, but never in CI, which must see all of it."""
    if binaries() and importlib.util.find_spec("psycopg"):
        return
    reason = (
        "needs PostgreSQL (Debian, Ubuntu: apt-get install postgresql) and pip install 'diagnose[postgresql]'"
    )
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


class PostgreSQL:
    """Fully synchronous, as a user would run it; on a TCP port of loopback, trusting it."""

    def __init__(self, directory: Path, port: int) -> None:
        programs = binaries()
        assert programs, "install the distribution's postgresql package"
        self._programs, self._directory, self._port = programs, directory, port
        self._process: subprocess.Popen[bytes] | None = None
        # PostgreSQL refuses to run as root.
        self._user = USER if os.geteuid() == 0 else None
        self.url = f"postgresql://{USER}@127.0.0.1:{port}/diagnose"

    def start(self) -> None:
        if not (self._directory / "data" / "PG_VERSION").exists():
            self._make()
        self._kill_leftover()
        self._launch()
        until(self._answers, 60, lambda: (self._directory / "log").read_text()[-3000:])
        if "diagnose" not in self._sql("SELECT datname FROM pg_database"):
            self._sql("CREATE DATABASE diagnose")

    def kill(self) -> None:
        """SIGKILL to the postmaster; its backends see that and leave."""
        assert self._process
        self._process.kill()
        self._process.wait()

    def kill_backend(self) -> bool:
        """SIGKILL to one connection's process: all connections break, and the log is replayed."""
        busy = self._sql(
            "SELECT pid FROM pg_stat_activity WHERE datname = 'diagnose' AND pid <> pg_backend_pid() "
            "ORDER BY state = 'active' DESC, query_start DESC LIMIT 1"
        )
        with contextlib.suppress(ProcessLookupError):
            for pid in busy.split():
                os.kill(int(pid), signal.SIGKILL)
        return bool(busy.split())

    def restart(self) -> None:
        """What an update of the package does: open transactions are rolled back."""
        self.stop()
        self.start()

    def stop(self) -> None:
        if self._process and self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)
            self._process.wait(60)

    def _make(self) -> None:
        self._directory.mkdir(parents=True, exist_ok=True)
        if self._user:
            shutil.chown(self._directory, self._user)
        argv = [
            str(self._programs / "initdb"),
            "-D",
            str(self._directory / "data"),
            "-U",
            USER,
            "-A",
            "trust",
        ]
        made = subprocess.run(argv, user=self._user, capture_output=True, text=True, cwd="/", check=False)
        assert made.returncode == 0, made.stderr

    def _launch(self) -> None:
        """Again while the killed one's processes still hold its shared memory."""
        argv = [str(self._programs / "postgres"), "-D", str(self._directory / "data"), "-p", str(self._port)]
        argv += ["-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories="]
        for _ in range(50):
            with (self._directory / "log").open("ab") as log:
                self._process = subprocess.Popen(argv, user=self._user, stdout=log, stderr=log, cwd="/")
            time.sleep(0.3)
            if self._process.poll() is None:
                return
        raise AssertionError((self._directory / "log").read_text()[-3000:])

    def _kill_leftover(self) -> None:
        """A run that was stopped hard leaves its server behind."""
        with contextlib.suppress(OSError, ValueError):
            if not (self._process and self._process.poll() is None):
                pid = int((self._directory / "data" / "postmaster.pid").read_text().split()[0])
                if str(self._directory) in Path(f"/proc/{pid}/cmdline").read_text():
                    os.kill(pid, signal.SIGKILL)

    def _answers(self) -> bool:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", self._port)):
                return False
        return self._run("SELECT 1").returncode == 0

    def _sql(self, statement: str) -> str:
        done = self._run(statement)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def _run(self, statement: str) -> subprocess.CompletedProcess[str]:
        address = ["-h", "127.0.0.1", "-p", str(self._port), "-U", USER, "-d", "postgres"]
        argv = [str(self._programs / "psql"), *address, "-Atqc", statement]
        return subprocess.run(argv, capture_output=True, text=True, cwd="/", check=False, timeout=60)
