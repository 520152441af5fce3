"""`manage.py vendor_collector`: fetch what other hosts install the collector from."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from diagnose.installer import vendor
from diagnose.installer.wheels import CannotFetch


class Command(BaseCommand):
    help = "Fetch the collector's wheels and build its own, so that hosts install it from this server."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--if-needed", action="store_true", help="only when they are missing or the collector changed"
        )

    def handle(self, *_: Any, if_needed: bool, **__: Any) -> None:
        if if_needed and vendor.is_current():
            return
        try:
            made = vendor.fill(self.stdout.write, reuse=if_needed)
        except CannotFetch as error:
            raise CommandError(
                f"the collector's wheels cannot be fetched ({error}); hosts cannot install it from this server until "
                "this command reaches a package registry"
            ) from None
        if made is None:
            self.stdout.write("another process is fetching them")
            return
        size = sum(file.bytes for file in made.files) / 1024**2
        self.stdout.write(
            f"collector {made.version} for {', '.join(made.interpreters)}: {len(made.files)} files, {size:.0f} MiB"
        )
        for each in made.missing:
            self.stdout.write(f"without {each.what}: {each.reason}")
