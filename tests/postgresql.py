"""A command beside a throw-away PostgreSQL: `python -m tests.postgresql COMMAND …`.

The server is the distribution's, listens on a socket in a directory of its own, and ends with the command. Its URL
stands in DIAGNOSE_TEST_DATABASE_URL, where the tests look for it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# PostgreSQL refuses to run as root; this user comes with the package.
_USER = "postgres"
# The data are thrown away: nothing has to survive the machine's end, only the server's.
_OPTIONS = (
    "-c listen_addresses= -c fsync=off -c full_page_writes=off -c max_connections=200 -c shared_buffers=128MB"
)


@contextmanager
def server() -> Iterator[str]:
    """The URL of its database."""
    programs = _programs()
    folder = Path(tempfile.mkdtemp(prefix="diagnose-postgresql-"))
    try:
        if os.geteuid() == 0:
            shutil.chown(folder, _USER)
        data, log = folder / "data", folder / "log"
        _run(programs / "initdb", "-D", data, "--auth=trust", "-U", _USER, "-E", "UTF8", "--locale=C", "-N")
        options = f"{_OPTIONS} -c unix_socket_directories={folder}"
        _run(programs / "pg_ctl", "-D", data, "-l", log, "-w", "-t", "60", "-o", options, "start")
        try:
            yield f"postgresql://{_USER}@/{_USER}?host={folder}"
        finally:
            _run(programs / "pg_ctl", "-D", data, "-m", "immediate", "-w", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _programs() -> Path:
    """The newest version that is installed."""
    found = Path("/usr/lib/postgresql").glob("*/bin/initdb")
    newest = max(found, key=lambda path: float(path.parts[-3]), default=None)
    if newest is None:
        sys.exit("tests: no PostgreSQL server here; run: apt-get install postgresql  (with sudo)")
    return newest.parent


def _run(*argv: str | Path) -> None:
    drop = {"user": _USER, "group": _USER, "extra_groups": []} if os.geteuid() == 0 else {}
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, cwd="/", text=True, **drop)
    if done.returncode:
        sys.exit(f"tests: {argv[0]} failed: {done.stdout}")


def main(argv: list[str]) -> int:
    with server() as url:
        return subprocess.run(argv, env={**os.environ, "DIAGNOSE_TEST_DATABASE_URL": url}).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
