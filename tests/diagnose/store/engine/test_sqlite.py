"""What only holds for day files: they are let go when they are gone, and another version's are refused."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from diagnose.store.engine.protocol import DayGone
from diagnose.store.engine.sqlite import SQLITE, path_of

DAY, NEXT = "2026-01-01", "2026-01-02"


def test_a_dropped_file_is_not_held_open(data_dir):
    for day in (DAY, NEXT):
        SQLITE.ensure(day, "profiles")
    with SQLITE.reading(DAY, "profiles"):
        pass
    SQLITE.drop(DAY, "profiles")
    with SQLITE.reading(NEXT, "profiles"):  # opening another file gives up those that are gone
        pass
    held = [str(link.readlink()) for link in Path("/proc/self/fd").iterdir() if link.is_symlink()]
    assert [name for name in held if name.startswith(str(path_of(NEXT, "profiles")))]
    assert not [name for name in held if name.startswith(str(path_of(DAY, "profiles")))]
    with pytest.raises(DayGone, match="2026-01-01"), SQLITE.reading(DAY, "profiles"):
        pass


def test_a_file_of_a_newer_server_is_refused_with_the_remedy(data_dir):
    SQLITE.ensure(DAY, "profiles")
    with sqlite3.connect(path_of(DAY, "profiles")) as sql:
        sql.execute("PRAGMA user_version=99")
    with pytest.raises(ValueError, match="start the server that made it"), SQLITE.reading(DAY, "profiles"):
        pass


def test_settling_syncs_the_log_of_each_day_that_was_written(data_dir, synced):
    for day in (DAY, NEXT):
        SQLITE.ensure(day, "profiles")
    SQLITE.settle()
    synced.clear()
    with SQLITE.writing(DAY, "profiles") as file:
        file.sql.execute("DELETE FROM profile")
    with SQLITE.reading(NEXT, "profiles"):
        pass
    assert synced == []
    SQLITE.settle()
    assert synced == [f"{path_of(DAY, 'profiles')}-wal"]
    SQLITE.settle()
    assert len(synced) == 1


def test_a_day_that_was_dropped_needs_no_settling(data_dir):
    SQLITE.ensure(DAY, "profiles")
    with SQLITE.writing(DAY, "profiles"):
        pass
    SQLITE.drop(DAY, "profiles")
    SQLITE.settle()
