"""Puts a backup in the place of an installation, of whichever engine."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from diagnose.store import schema
from diagnose.store.backup import archive, load
from diagnose.store.backup.archive import BadBackup, Manifest
from diagnose.store.backup.backup import last_migrations, latest
from diagnose.store.backup.load import Different, Place, Say
from diagnose.store.backup.snapshot import Day, Stream
from diagnose.store.schema import TABLES


class Backup:
    """A folder that `backup` made. A `Source` for `load`."""

    def __init__(self, folder: Path) -> None:
        """Also takes the folder of several, and means the newest. Raises BadBackup."""
        self.folder = latest(folder) or folder
        self.manifest: Manifest = archive.read_manifest(self.folder)

    def stored_days(self) -> list[Day]:
        days = [Day(kind, Path(name).stem) for kind in TABLES for name in self._files_of(kind)]
        return sorted(days)

    def _files_of(self, kind: schema.Kind) -> list[str]:
        return [name for name in self.manifest.files if name.startswith(f"telemetry/{kind}/")]

    def telemetry(self, day: Day) -> Iterator[Stream]:
        return archive.read(self.folder / archive.name_of(day))

    def relational(self) -> Iterator[Stream]:
        return archive.read(self.folder / archive.MAIN)

    def numbers(self) -> Mapping[str, int]:
        return self.manifest.numbers


def restore(backup: Backup, place: Place, *, force: bool, say: Say) -> None:
    """Raises BadBackup or, unless `force`, NotEmpty, before anything is touched; then it is all or nothing."""
    _check_versions(backup, place)
    if not force:
        load.require_empty(place)
    archive.verify(backup.folder, backup.manifest)
    say(f"{backup.folder} of {backup.manifest.made_at:%Y-%m-%d %H:%M:%S} UTC is whole")
    load.clear(place)
    written = load.load(backup, place, say)
    if written != {name: entry.tables for name, entry in backup.manifest.files.items()}:
        load.clear(place)
        raise Different(
            f"{backup.folder} does not hold what its {archive.MANIFEST} says; take another backup"
        )


def _check_versions(backup: Backup, place: Place) -> None:
    ours, theirs = last_migrations(place.connection), dict(backup.manifest.migrations)
    if theirs != ours or backup.manifest.schema != schema.VERSION:
        made_by = f"{theirs.get('diagnose')}, telemetry {backup.manifest.schema}"
        raise BadBackup(
            f"{backup.folder} was made by a server of another version (tables {made_by}; here they are "
            f"{ours.get('diagnose')}, telemetry {schema.VERSION}): restore it with that version, then update"
        )
