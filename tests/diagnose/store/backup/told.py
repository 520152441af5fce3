"""One process of an installation, as the environment names it: takes batches, and tells all that is stored.

python -m tests.diagnose.store.backup.told FIRST LAST   delivers those batches of its one host, none if LAST < FIRST
"""

from __future__ import annotations

import os
import sys

import django
from django.core.management import call_command


def main(first: int, last: int) -> None:
    from diagnose.celery import app
    from diagnose.models import Host, User
    from diagnose.store import rollup
    from tests.diagnose.store.backup.installation import deliver, everything

    call_command("migrate", interactive=False, verbosity=0)
    app.send_task = lambda *_, **__: None  # nobody is there to take them
    host, _ = Host.objects.get_or_create(identity="0123456789abcdef0123456789abcdef", name="web-1")
    if not User.objects.exists():
        User.objects.create_user("vera", role="viewer")
    deliver(host, range(first, last + 1))
    rollup.roll_up()
    for name, found in everything().items():
        print(name, found)


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "diagnose.settings")
    django.setup()  # before any model is imported
    main(int(sys.argv[1]), int(sys.argv[2]))
