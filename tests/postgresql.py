"""A command beside a throw-away PostgreSQL: `python -m tests.postgresql COMMAND …`.

The server is the distribution's, listens on a socket in a directory of its own, and ends with the command. Its URL
stands in DIAGNOSE_TEST_DATABASE_URL, where the tests look for it.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

from tests.integration.faults.postgresql import USER, binaries

# The data are thrown away: nothing has to survive the machine's end, only the server's.
_OPTIONS = (
    "-c listen_addresses= -c fsync=off -c full_page_writes=off -c max_connections=200 -c shared_buffers=128MB"
)


@contextmanager
def server(settings: str = _OPTIONS) -> Iterator[str]:
    """The URL of its database."""
    programs = binaries()
    if programs is None:
        sys.exit("tests: no PostgreSQL server here; run: apt-get install postgresql  (with sudo)")
    folder = Path(tempfile.mkdtemp(prefix="diagnose-postgresql-"))
    try:
        if os.geteuid() == 0:
            shutil.chown(folder, USER)
        data, log = folder / "data", folder / "log"
        _run(programs / "initdb", "-D", data, "--auth=trust", "-U", USER, "-E", "UTF8", "--locale=C", "-N")
        options = f"{settings} -c unix_socket_directories={folder}"
        _run(programs / "pg_ctl", "-D", data, "-l", log, "-w", "-t", "60", "-o", options, "start")
        try:
            yield f"postgresql://{USER}@/{USER}?host={folder}"
        finally:
            _run(programs / "pg_ctl", "-D", data, "-m", "immediate", "-w", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _run(*argv: str | Path) -> None:
    drop = {"user": USER, "group": USER, "extra_groups": []} if os.geteuid() == 0 else {}
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, cwd="/", text=True, **drop)
    if done.returncode:
        sys.exit(f"tests: {argv[0]} failed: {done.stdout}")


@contextmanager
def own_database() -> Iterator[str]:
    """The URL of an empty database on that server; empty, which means SQLite, where there is none."""
    url = os.environ.get("DIAGNOSE_TEST_DATABASE_URL", "")
    if not url:
        yield ""
        return
    import psycopg

    name = f"own_{uuid4().hex}"
    with psycopg.connect(url, autocommit=True) as server_wide:
        server_wide.execute(f"CREATE DATABASE {name}")
        try:
            yield urlsplit(url)._replace(path=f"/{name}").geturl()
        finally:
            server_wide.execute(f"DROP DATABASE {name} WITH (FORCE)")


def main(argv: list[str]) -> int:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    with server() as url:
        return subprocess.run(argv, env={**os.environ, "DIAGNOSE_TEST_DATABASE_URL": url}).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
