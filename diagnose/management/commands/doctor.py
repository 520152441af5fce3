"""`manage.py doctor`: is every part alive, and what to do about those that are not."""

from __future__ import annotations

import sys
from typing import Any

from django.core.management.base import BaseCommand

from diagnose.management import checkup


class Command(BaseCommand):
    help = "Check database, queue, workers, ports, disk and collectors; exit code 1 when something is wrong."
    requires_system_checks: list[str] = []

    def handle(self, *_: Any, **__: Any) -> None:
        wrong = 0
        for check in checkup.checks():
            wrong += bool(check.remedy)
            self.stdout.write(f"{'WRONG' if check.remedy else 'ok':<6}{check.name}: {check.found}")
            if check.remedy:
                self.stdout.write(f"      -> {check.remedy}")
        if wrong:
            sys.exit(1)
