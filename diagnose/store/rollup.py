"""The minute's housekeeping: rollups of profiles that new data touched, and chunks of the hours that are over."""

from __future__ import annotations

import time

from diagnose.store import backend


def roll_up(now_ns: int | None = None) -> None:
    """Safe to run at any time, twice, and in several workers at once."""
    now = time.time_ns() if now_ns is None else now_ns
    backend.profile_store().roll_up(now)
    backend.metric_store().seal(now)
