"""Where the days of telemetry lie: an engine keeps each day's tables and hands out transactions on them."""

from __future__ import annotations

from functools import cache

from django.conf import settings

from diagnose.store.engine.protocol import Engine
from diagnose.store.engine.sqlite import SQLITE


@cache
def chosen() -> Engine:
    """The engine of the database that the settings name."""
    if settings.DATABASES["default"]["ENGINE"] == "django.db.backends.postgresql":
        from diagnose.store.engine.postgresql import POSTGRESQL  # its driver is an extra

        return POSTGRESQL
    return SQLITE
