"""Makes a backup of a running installation: a folder of its own in TARGET, whole or not there at all.

Days that have not changed since the last backup in TARGET are linked, not copied.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations.recorder import MigrationRecorder

from diagnose.store import schema
from diagnose.store.backup import archive
from diagnose.store.backup.archive import BadBackup, FileEntry, Manifest
from diagnose.store.backup.snapshot import Snapshot, snapshot

_NAME = "%Y-%m-%dT%H%M%S.%fZ"
Say = Callable[[str], None]


def back_up(target: Path, say: Say) -> Path:
    """The folder that was made. Raises BadBackup when TARGET cannot be written."""
    made_at = datetime.now(UTC)
    try:
        target.mkdir(mode=0o700, parents=True, exist_ok=True)
        with archive.nothing_left_behind(target / f".unfinished-{os.getpid()}") as draft:
            with snapshot() as now:
                archive.write_manifest(draft, _fill(draft, now, latest(target), made_at, say))
            made = target / made_at.strftime(_NAME)
            draft.rename(made)
        archive.sync(target)
    except OSError as error:
        raise BadBackup(
            f"cannot write to {target} ({error.strerror or error}); nothing was kept there: "
            "name a folder with room that this user may write"
        ) from None
    return made


def latest(target: Path) -> Path | None:
    """The newest backup in a folder of them."""
    found = sorted(path.parent for path in target.glob(f"[0-9]*/{archive.MANIFEST}"))
    return found[-1] if found else None


def _fill(draft: Path, now: Snapshot, before: Path | None, made_at: datetime, say: Say) -> Manifest:
    known = archive.read_manifest(before).files if before else {}
    files = {archive.MAIN: archive.write(draft / archive.MAIN, now.relational())}
    linked = 0
    for day in now.stored_days():
        name, fingerprint = archive.name_of(day), now.days.fingerprint(day)
        old = known.get(name)
        if before and old and fingerprint and old.fingerprint == fingerprint:
            files[name] = _link(before / name, draft / name, old)
            linked += 1
        else:
            files[name] = archive.write(draft / name, now.telemetry(day), fingerprint)
    say(f"{len(files)} files, of which {linked} unchanged since the backup before")
    return Manifest(
        format=archive.FORMAT,
        made_at=made_at,
        engine=now.connection.vendor,
        schema=schema.VERSION,
        migrations=last_migrations(now.connection),
        numbers=now.numbers(),
        files=files,
    )


def _link(old: Path, new: Path, entry: FileEntry) -> FileEntry:
    new.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        os.link(old, new)
    except OSError:  # a file system without hard links
        shutil.copyfile(old, new)
    return entry


def last_migrations(connection: BaseDatabaseWrapper) -> dict[str, str]:
    """By app."""
    applied = MigrationRecorder(connection).applied_migrations()
    return {app: max(name for other, name in applied if other == app) for app, _ in sorted(applied)}
