"""`manage.py enroll`: a token that lets other hosts' collectors in, and the line to run there."""

from __future__ import annotations

import socket
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from diagnose.access import enroll
from diagnose.installer import script
from diagnose.management import checkup

_MAX_HOURS = 24 * 30


class Command(BaseCommand):
    help = "Print an enrolment token and the line to run on another host."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--label", default="manage.py enroll", help="what the token list shows")
        parser.add_argument("--hours", type=float, default=24.0, help="how long hosts may enrol with it")
        parser.add_argument("--hosts", type=int, help="how many hosts it lets in; default: any number")

    def handle(self, *_: Any, label: str, hours: float, hosts: int | None, **__: Any) -> None:
        checkup.require_tables()
        if not 0 < hours <= _MAX_HOURS:
            raise CommandError(f"--hours {hours:g} cannot be used: give 1 to {_MAX_HOURS}", returncode=2)
        if hosts is not None and hosts < 1:
            raise CommandError(f"--hosts {hosts} cannot be used: give 1 or more", returncode=2)
        secret = enroll.invite("manage.py", hosts=hosts, lifetime=timedelta(hours=hours), label=label)
        number = "any number of hosts" if hosts is None else f"{hosts} host{'' if hosts == 1 else 's'}"
        self.stdout.write(f"Enrolment token, good for {hours:g} hours and {number}:\n  {secret}")
        self.stdout.write("On the other host (collectors/README.md has other ways):")
        for line in script.lines(_url(), secret):
            self.stdout.write(f"  {line}")
        if settings.CONFIG["DIAGNOSE_BIND"] in {"127.0.0.1", "::1", "localhost"}:
            self.stdout.write(
                "This server listens on this machine only: set DIAGNOSE_BIND=0.0.0.0 and ALLOWED_HOSTS."
            )


def _url() -> str:
    return f"http://{socket.getfqdn()}:{settings.CONFIG['DIAGNOSE_PORT']}"
