"""The product, a stream of numbered batches into it, and its database, each to be killed at will."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.integration.faults.postgresql import PostgreSQL
from tests.integration.faults.tally import Tally, complaints
from tests.integration.product import ROOT, Product, until

RECOVERY_SECONDS = 120


def free_port() -> int:
    """One of two in a row."""
    while True:
        with socket.create_server(("127.0.0.1", 0)) as first:
            port = int(first.getsockname()[1])
            with suppress(OSError, OverflowError), socket.create_server(("127.0.0.1", port + 1)):
                return port


class Stand:
    """Everything below one directory, which a later stand may take over. `start`, and always `stop`."""

    def __init__(self, directory: Path, on_postgresql: bool = False) -> None:
        self._state_dir = directory / "feeder"
        self.database = PostgreSQL(directory / "postgresql", free_port()) if on_postgresql else None
        self.product = Product(directory / "data", free_port())
        if self.database:
            self.product.environ["DATABASE_URL"] = self.database.url
        self.may_lose = False  # what only the memory of a killed collector had
        self._feeder: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self.product.kill_rest()
        if self.database:
            self.database.start()
        self.product.start()
        if not (self._state_dir / "token").exists():
            self._enrol()
        (self._state_dir / "last").unlink(missing_ok=True)
        self._start_feeder()

    def stop(self) -> None:
        self.kill_feeder()
        if self.product.process and self.product.process.poll() is None:
            self.product.stop()
        self.product.kill_rest()
        if self.database:
            self.database.stop()

    def kill_worker(self) -> None:
        os.kill(self.product.pid_of("celery -A diagnose.celery:app -q worker"), signal.SIGKILL)

    def kill_web(self) -> None:
        os.kill(self.product.pid_of("granian --interface wsgi"), signal.SIGKILL)

    def kill_web_child(self) -> None:
        """The process below the web server's own that answers."""
        parts = [pid for pid, command in self.product.processes().items() if "--interface wsgi" in command]
        os.kill(max(parts), signal.SIGKILL)

    def kill_queue(self) -> None:
        os.kill(self.product.pid_of("valkey-server"), signal.SIGKILL)

    def restart_feeder(self) -> None:
        self.kill_feeder()
        self._start_feeder()

    def kill_everything(self) -> None:
        """As close to a power cut as processes come; then somebody starts the product again."""
        self.kill_feeder()
        assert self.product.process
        self.product.process.kill()
        self.product.kill_rest()
        self.product.process.wait()
        self.product.start()
        self._start_feeder()

    def kill_database(self) -> None:
        assert self.database
        self.database.kill()
        self.database.start()

    def kill_connection(self) -> None:
        assert self.database
        until(self.database.kill_backend, 20, self.explain)

    def kill_feeder(self) -> None:
        if self._feeder:
            self._feeder.kill()
            self._feeder.wait()
            assert self._feeder.stdin
            self._feeder.stdin.close()

    def waiting(self) -> list[int]:
        """The numbers in the spool's directory; the highest stays there after it is committed."""
        return sorted(int(path.stem) for path in (self._state_dir / "spool").glob("*.batch"))

    def wait_until_committed(self, number: int, seconds: float = RECOVERY_SECONDS) -> None:
        """Until the spool has let go of it."""
        until(lambda: min(self.waiting(), default=0) > number, seconds, self.explain)

    def recover(self) -> Tally:
        """What arrives from now on is committed before long, and the store is found in order."""
        self.wait_until_committed(max(self.waiting(), default=0) + 3)
        return self.judged()

    def drain(self) -> Tally:
        """End the stream; every number that was ever given out is then in the store."""
        last = max(self.waiting()) + 5
        (self._state_dir / "last").write_text(str(last))
        until(lambda: self.waiting() == [last], RECOVERY_SECONDS, self.explain)
        until(lambda: self.tally().committed == last, RECOVERY_SECONDS, self.explain)
        return self.judged()

    def judged(self) -> Tally:
        """Exactly once in the store, or still in the spool, whose files are looked at first."""
        kept = self.waiting()
        tally = self.tally()
        found = complaints(tally, self.may_lose)
        if kept != list(range(kept[0], kept[-1] + 1)) or kept[0] > tally.committed + 1:
            found.append(f"committed up to {tally.committed}, and the spool has {kept}")
        assert not found, "; ".join(found) + "\n" + self.explain()
        return tally

    def tally(self) -> Tally:
        identity = (self._state_dir / "identity").read_text().strip()
        done = self._python("-m", "tests.integration.faults.tally", identity)
        return Tally(**json.loads(done.stdout.splitlines()[-1]))

    def _start_feeder(self) -> None:
        module = [sys.executable, "-m", "tests.integration.faults.feeder"]
        argv = [*module, f"http://127.0.0.1:{self.product.port}", str(self._state_dir)]
        with (self._state_dir / "log").open("ab") as log:
            self._feeder = subprocess.Popen(argv, cwd=ROOT, stdin=subprocess.PIPE, stderr=log)

    def _enrol(self) -> None:
        self._state_dir.mkdir(parents=True, exist_ok=True)
        secret = self._python("manage.py", "enroll").stdout.splitlines()[1].strip()
        server = f"http://127.0.0.1:{self.product.port}"
        flags = ["--server", server, "--state-dir", str(self._state_dir), "--new-identity"]
        self._python("-m", "collectors", "enroll", *flags, "--enroll-token-file", "-", given=secret)

    def _python(self, *argv: str, given: str = "") -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [sys.executable, *argv],
            cwd=ROOT,
            env=self.product.environ,
            input=given,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done

    def explain(self) -> str:
        log = (self._state_dir / "log").read_text()[-1500:]
        kept = self.waiting()
        return "\n".join(
            [*self.product.lines[-40:], log, f"spool: {len(kept)} from {kept[:3]} to {kept[-3:]}"]
        )


@contextmanager
def running(stand: Stand) -> Iterator[Stand]:
    """Started, and stopped in any case."""
    try:
        stand.start()
        yield stand
    finally:
        stand.stop()
