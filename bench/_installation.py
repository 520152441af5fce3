"""A throw-away installation to measure: an empty DATA_DIR with a migrated database, and Django set up on it."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def installation(database_url: str = "") -> Iterator[Path]:
    """Once a process. The environment is set for children too; everything is removed at the end."""
    folder = Path(tempfile.mkdtemp(prefix="diagnose-bench-"))
    os.environ.update(
        DATA_DIR=str(folder),
        REDIS_URL=f"unix://{folder / 'valkey.sock'}",
        DATABASE_URL=database_url,
        RETENTION_PROFILE_DAYS="30",
        RETENTION_POINT_DAYS="30",
        DJANGO_SETTINGS_MODULE="diagnose.settings",
    )
    import django

    django.setup()
    from django.core.management import call_command

    try:
        call_command("migrate", verbosity=0)
        yield folder
    finally:
        from django.db import connections

        from diagnose.store import engine

        connections.close_all()
        engine.chosen().close_idle()
        shutil.rmtree(folder, ignore_errors=True)
