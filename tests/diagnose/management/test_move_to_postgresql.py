"""`manage.py move_to_postgresql`: an embedded installation and a real PostgreSQL, each step a process of its own."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.early_settings import SOCKET
from tests.postgresql import server

pytestmark = pytest.mark.system
ROOT = Path(__file__).resolve().parents[3]
TELL = ("-m", "tests.diagnose.store.backup.told")


@pytest.fixture(scope="module")
def postgresql():
    with server() as url:
        yield url


@pytest.fixture
def database(postgresql):
    """The URL of a new, empty database."""
    import psycopg

    name = f"moved_{time.time_ns()}"
    with psycopg.connect(postgresql, autocommit=True) as sql:
        sql.execute(f"CREATE DATABASE {name}")
    return postgresql.replace("/postgres?", f"/{name}?")


@pytest.fixture
def run(tmp_path, valkey):
    """Runs Python on the installation in this test's DATA_DIR, or in the database of `url`."""
    now_ns = str(time.time_ns())
    (tmp_path / "data").mkdir()

    def run(*argv: str, url: str = "") -> subprocess.CompletedProcess[str]:
        environ = {
            "PATH": os.environ["PATH"],
            "DATA_DIR": str(tmp_path / "data"),
            "DATABASE_URL": url,
            "REDIS_URL": f"unix://{SOCKET}",
            "SECRET_KEY": "only-for-tests-0123456789abcdefghijklmnopqrstuvwxyz",
            "DIAGNOSE_TEST_NOW_NS": now_ns,
        }
        return subprocess.run(
            [sys.executable, *argv], cwd=ROOT, env=environ, capture_output=True, text=True, timeout=300
        )

    return run


def told(done: subprocess.CompletedProcess[str]) -> str:
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_everything_is_there_afterwards_and_collectors_go_on(run, database):
    before = told(run(*TELL, "1", "60"))
    moved = told(run("manage.py", "move_to_postgresql", database))
    assert "row by row: all the same" in moved
    assert told(run(*TELL, "1", "0", url=database)) == before
    # What comes again counts once, what is new gets numbers of its own: as if it had gone on in SQLite.
    assert told(run(*TELL, "50", "75", url=database)) == told(run(*TELL, "50", "75"))


def test_a_database_that_is_not_empty_is_refused_and_left_alone(run, database):
    before = told(run(*TELL, "1", "3"))
    there = told(run(*TELL, "1", "5", url=database))
    refused = run("manage.py", "move_to_postgresql", database)
    assert refused.returncode == 2
    assert "name an empty database" in refused.stderr
    assert (told(run(*TELL, "1", "0", url=database)), told(run(*TELL, "1", "0"))) == (there, before)


def test_a_product_that_runs_is_told_to_stop_first(run, database, tmp_path):
    told(run(*TELL, "1", "2"))
    with (tmp_path / "data" / "up.lock").open("w") as lock:
        lock.write(str(os.getpid()))
        lock.flush()
        fcntl.flock(lock, fcntl.LOCK_EX)
        refused = run("manage.py", "move_to_postgresql", database)
    assert (refused.returncode, "already runs" in refused.stderr) == (2, True)


def test_a_move_that_breaks_off_leaves_an_empty_database_and_can_be_done_again(run, database):
    """A table in the way of the last day: what was copied before it goes again."""
    import psycopg

    before = told(run(*TELL, "1", "30"))
    with psycopg.connect(database, autocommit=True) as sql:
        sql.execute("CREATE SCHEMA telemetry_rollup; CREATE TABLE telemetry_rollup.profile_rollup (x int)")
    refused = run("manage.py", "move_to_postgresql", database)
    assert (refused.returncode, "nothing was moved" in refused.stderr) == (2, True)
    with psycopg.connect(database, autocommit=True) as sql:
        sql.execute("DROP TABLE telemetry_rollup.profile_rollup")
    told(run("manage.py", "move_to_postgresql", database))
    assert told(run(*TELL, "1", "0", url=database)) == before


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("mysql://x/y", "is no URL of PostgreSQL"),
        ("postgresql://nobody@/none?host=/nowhere", "nothing was moved"),
    ],
)
def test_a_url_that_leads_nowhere_is_told(run, url, why):
    told(run(*TELL, "1", "1"))
    refused = run("manage.py", "move_to_postgresql", url)
    assert (refused.returncode, why in refused.stderr) == (2, True), refused.stderr
