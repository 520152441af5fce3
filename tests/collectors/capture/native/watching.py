"""Somebody who asked for a capture of a program without Python, as a kind sees him."""

from __future__ import annotations

import time
from collections.abc import Callable

from collectors.capture import kinds
from collectors.capture.kind import Request, Result
from collectors.wire import CaptureTarget


class Asker:
    """`meanwhile` is called once, after the first half second."""

    def __init__(self, meanwhile: Callable[[], object] = lambda: None) -> None:
        self.told: list[tuple[float, str, int]] = []
        self.goes = True
        self._meanwhile: Callable[[], object] | None = meanwhile
        self._began = time.monotonic()

    def goes_on(self) -> bool:
        return self.wait(0)

    def wait(self, seconds: float) -> bool:
        time.sleep(seconds)
        if self._meanwhile and time.monotonic() - self._began > 0.5:
            self._meanwhile()
            self._meanwhile = None
        return self.goes

    def tell(self, share: float, message: str, samples: int = 0) -> None:
        self.told.append((share, message, samples))


def captured(
    kind: str, target: CaptureTarget, seconds: int = 2, hz: int = 499, asker: Asker | None = None
) -> Result:
    found = kinds.named(kind)
    return found.capture(Request("c1", target, seconds, hz), asker or Asker())
