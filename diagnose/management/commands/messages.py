"""`manage.py messages`: bring `locale/` up to what the pages say; what is not translated yet is told."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import polib
from django.core.management.base import BaseCommand

from diagnose import messages
from diagnose.messages import Message
from diagnose.translations import SOURCES


class Command(BaseCommand):
    help = "Gather what pages and scripts say into locale/; existing translations stay."

    def handle(self, *_: Any, **__: Any) -> None:
        for path in sorted(SOURCES.glob("*.po")):
            said = messages.of_scripts() if path.name.endswith(".js.po") else messages.everything()
            missing = update(path, said)
            self.stdout.write(f"{path.name}: {len(said)} messages, {len(missing)} without a translation")
            for entry in missing:
                self.stdout.write(f"  {entry.msgid}")


def update(path: Path, said: Iterable[Message]) -> list[polib.POEntry]:
    """Writes the file in order of the messages; answers those without a translation."""
    file = polib.pofile(str(path), wrapwidth=110)
    known = {(entry.msgid, entry.msgid_plural): entry for entry in file}
    fresh = [known.get(message) or _entry(message) for message in sorted(set(said))]
    file.clear()
    file.extend(fresh)
    file.save()
    return [entry for entry in file if not entry.translated()]


def _entry(message: Message) -> polib.POEntry:
    """`msgstr_plural` has one form: Chinese has no other."""
    flags = ["python-format"] if "%(" in message.one else []
    if message.many:
        return polib.POEntry(msgid=message.one, msgid_plural=message.many, msgstr_plural={0: ""}, flags=flags)
    return polib.POEntry(msgid=message.one, flags=flags)
