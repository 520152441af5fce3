"""`manage.py backup`: everything that is stored, as it is at this moment, into a folder. Work goes on meanwhile."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from diagnose.management.checkup import require_tables
from diagnose.store.backup.archive import BadBackup
from diagnose.store.backup.backup import back_up


class Command(BaseCommand):
    help = (
        "Back everything up into a new folder in TARGET, while the product runs. Unchanged days are linked."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("target", metavar="TARGET", type=Path, help="a folder that keeps several backups")

    def handle(self, *_: Any, target: Path, **__: Any) -> None:
        require_tables()
        try:
            made = back_up(target, self.stdout.write)
        except BadBackup as error:
            raise CommandError(str(error), returncode=2) from None
        self.stdout.write(f"{made}\nput it back with: manage.py restore {made}")
