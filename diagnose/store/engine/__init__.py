"""Where the days of telemetry lie: an engine keeps each day's tables and hands out transactions on them."""

from __future__ import annotations

from diagnose.store.engine.protocol import Engine
from diagnose.store.engine.sqlite import SQLITE


def chosen() -> Engine:
    """The engine that the settings name."""
    return SQLITE
