"""`manage.py add_user NAME --role operator`: an account, and the link by which its owner gets in."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser

from diagnose.access import accounts, audit, links
from diagnose.management import checkup, services
from diagnose.models.access import Role, User


class Command(BaseCommand):
    help = "Make an account and print its sign-in link; `manage.py changepassword NAME` gives it a password."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name")
        parser.add_argument("--role", choices=Role.values, default=Role.VIEWER.value)

    def handle(self, *_: Any, name: str, role: str, **__: Any) -> None:
        checkup.require_tables()
        user = User(username=name, role=role)
        user.set_unusable_password()
        try:
            user.full_clean()
        except ValidationError as error:
            raise CommandError(f"{name!r} cannot be used: {' '.join(error.messages)}", returncode=2) from None
        user.save()
        audit.record("manage.py", "create user", user.username, role=role)
        self.stdout.write(f"{services.web_url()}/sign-in/{links.create(user, accounts.LINK_LIFETIME)}")
