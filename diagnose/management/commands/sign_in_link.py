"""`manage.py sign_in_link [user]`: a one-time link for somebody who cannot sign in."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from diagnose.access import accounts, audit, links
from diagnose.management import checkup, services
from diagnose.models.access import User


class Command(BaseCommand):
    help = "Print a sign-in link that works once, within a day."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("user", nargs="?", default="", help="who it is for; default: the first admin")

    def handle(self, *_: Any, user: str, **__: Any) -> None:
        checkup.require_tables()
        person = (
            User.objects.filter(username=user, is_active=True).first() if user else accounts.first_admin()
        )
        if person is None:
            raise CommandError(f"there is no active user {user!r}", returncode=2)
        secret = links.create(person, accounts.LINK_LIFETIME)
        audit.record("manage.py", "make sign-in link", person.username)
        self.stdout.write(f"{services.web_url()}/sign-in/{secret}")
