"""`manage.py restore`: puts a backup where DATABASE_URL and DATA_DIR say, while the product stands still."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError, connection

from diagnose.management.standstill import forget_queue, standstill
from diagnose.store import engine
from diagnose.store.backup.archive import BadBackup
from diagnose.store.backup.load import Different, NotEmpty, Place
from diagnose.store.backup.restore import Backup, restore


def _failures() -> tuple[type[Exception], ...]:
    return BadBackup, Different, DatabaseError, OSError, *engine.chosen().failures


class Command(BaseCommand):
    help = "Put a backup in place of an empty installation; with --force, of one that is not empty."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("source", metavar="SOURCE", type=Path, help="a folder that `backup` made")
        parser.add_argument("--force", action="store_true", help="delete what is there")

    def handle(self, *_: Any, source: Path, force: bool, **__: Any) -> None:
        with standstill(self.stdout.write):
            try:
                backup = Backup(source)
                call_command("migrate", interactive=False, verbosity=0)
                place = Place(connection, engine.chosen())
                restore(backup, place, force=force, say=self.stdout.write)
            except NotEmpty as error:
                raise CommandError(
                    f"{error}: restore into an empty DATA_DIR and database, or delete what is there with --force",
                    returncode=2,
                ) from None
            except _failures() as error:
                raise CommandError(str(error).strip(), returncode=2) from error
            forget_queue()
        self.stdout.write("restored; start it with `make run`. Collectors go on with what they still have")
