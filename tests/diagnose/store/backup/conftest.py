"""A backup's folder, and a way to put it back in the place of what is there."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from django.db import connection

from diagnose.ingest import pending
from diagnose.store import engine
from diagnose.store.backup.load import Place
from diagnose.store.backup.restore import Backup, restore
from tests.diagnose.store.backup.installation import forget_everything


@pytest.fixture
def quiet_queue(valkey, monkeypatch) -> None:
    """A Valkey for the batches; tasks are not queued."""
    monkeypatch.setattr(pending.app, "send_task", lambda *_, **__: None)


@pytest.fixture
def place() -> Place:
    return Place(connection, engine.chosen())


@pytest.fixture
def put_back(place: Place) -> Callable[[Path], None]:
    def put(folder: Path, force: bool = True) -> None:
        forget_everything()
        restore(Backup(folder), place, force=force, say=print)

    return put
