"""How a capture is told to end before its time."""

from __future__ import annotations

import threading


class Ending:
    """Nobody wants the capture any more (`cancel`), or the collector stops and keeps what there is (`stop`)."""

    def __init__(self) -> None:
        self.cancelled = False
        self._called = threading.Event()

    def cancel(self) -> None:
        self.cancelled = True
        self._called.set()

    def stop(self) -> None:
        self._called.set()

    def wait(self, seconds: float) -> bool:
        """Whether either was called, within so long."""
        return self._called.wait(seconds)
