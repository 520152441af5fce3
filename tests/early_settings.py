"""Loaded before Django reads its settings (`-p tests.early_settings`): an own DATA_DIR, queue and key for this run."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

import pytest

RUN_DIR = Path(tempfile.mkdtemp(prefix="diagnose-test-"))
SOCKET = RUN_DIR / "valkey.sock"

# Every setting is given, so that neither the shell's environment nor a developer's .env changes a test.
os.environ.update(
    DATA_DIR=str(RUN_DIR),
    REDIS_URL=f"unix://{SOCKET}",
    DATABASE_URL=os.environ.get("DIAGNOSE_TEST_DATABASE_URL", ""),
    SECRET_KEY="only-for-tests-0123456789abcdefghijklmnopqrstuvwxyz",
    ALLOWED_HOSTS="localhost,127.0.0.1,[::1]",
    DIAGNOSE_PORT="18890",
    DIAGNOSE_STREAM_PORT="0",
    STREAM_URL="",
    COLLECTOR_WHEELS="0",
    DEBUG="0",
    # Playwright's sync API runs an event loop in the test's own thread, where Django would refuse the ORM.
    DJANGO_ALLOW_ASYNC_UNSAFE="true",
)
(RUN_DIR / "static").mkdir()


@pytest.hookimpl(trylast=True)
def pytest_configure() -> None:
    """Static files as they lie in static/ (no collectstatic); a database file, for a live server's own connections."""
    from django.conf import settings

    if not settings.CONFIG["DATABASE_URL"]:
        settings.DATABASES["default"].setdefault("TEST", {})["NAME"] = str(RUN_DIR / "test.sqlite3")

    from diagnose import translations

    translations.compile_all(RUN_DIR / "locale")
    # The real one takes 0.5 s a user on purpose; most tests make one.
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    settings.STORAGES = {
        **settings.STORAGES,
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
    }


def pytest_unconfigure() -> None:
    shutil.rmtree(RUN_DIR, ignore_errors=True)
