"""For commands that need the product to stand still: nobody else writes while they run."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from django.conf import settings
from django.core.management.base import CommandError

from diagnose.management import checkup, preflight, services
from diagnose.management.preflight import Refusal


@contextmanager
def standstill(say: Callable[[str], None]) -> Iterator[None]:
    """Raises CommandError while `manage.py up` or any worker runs; keeps it from starting meanwhile."""
    try:
        preflight.prepare_data_dir(settings.DATA_DIR)
        lock = preflight.take_lock(settings.DATA_DIR / "up.lock", say)
    except Refusal as refusal:
        raise CommandError(str(refusal), returncode=2) from None
    try:
        if services.queue_answers() and not checkup.check_workers().remedy:
            raise CommandError("a worker runs and would go on writing; stop it first", returncode=2)
        yield
    finally:
        os.close(lock)


def forget_queue() -> None:
    """Of the embedded queue: what waits there was meant for another state, and is sent again by the collectors."""
    shutil.rmtree(settings.DATA_DIR / "valkey", ignore_errors=True)
