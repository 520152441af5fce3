"""`manage.py move_to_postgresql`: takes an embedded installation to an empty PostgreSQL while it stands still."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError, connection

from diagnose import settings
from diagnose.management.checkup import require_tables
from diagnose.management.standstill import standstill
from diagnose.store.backup.load import Different, NotEmpty
from diagnose.store.backup.move import move


class Command(BaseCommand):
    help = "Move everything from SQLite in DATA_DIR to an empty PostgreSQL: all of it or nothing."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("url", metavar="URL", help="postgresql://user:password@host/database")

    def handle(self, *_: Any, url: str, **__: Any) -> None:
        if connection.vendor != "sqlite":
            raise CommandError(
                "DATABASE_URL names PostgreSQL already: there is nothing to move", returncode=2
            )
        if not url.startswith(("postgresql://", "postgres://")):
            raise CommandError(f"{url!r} is no URL of PostgreSQL: postgresql://user@host/name", returncode=2)
        require_tables()
        with standstill(self.stdout.write):
            try:
                move(settings.database(url), self.stdout.write)
            except NotEmpty as error:
                raise CommandError(
                    f"{error}: name an empty database (createdb makes one)", returncode=2
                ) from None
            except (Different, DatabaseError) as error:
                raise CommandError(
                    f"nothing was moved ({str(error).strip()}); what is in DATA_DIR is untouched",
                    returncode=2,
                ) from error
        self.stdout.write(
            "moved. Set DATABASE_URL to that URL and start; then the .sqlite3 files in DATA_DIR may go"
        )
