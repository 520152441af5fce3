"""Processes whose running time one sampler tells, so that no other tells it again in the same flame graph."""

from __future__ import annotations

import time

_until: dict[int, float] = {}


def claim(pid: int, seconds: float) -> None:
    """Taken for so long from now on."""
    _until[pid] = time.monotonic() + seconds


def is_claimed(pid: int) -> bool:
    until = _until.get(pid)
    if until is not None and until < time.monotonic():
        del _until[pid]
        return False
    return until is not None
