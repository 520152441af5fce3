"""What a kind of capture is: a name that a command says, and a function that takes it.

The function asks `watch.goes_on()` (or `watch.wait`) at least twice a second, and tells how it goes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from collectors.capture.choose import PROC, Denies
from collectors.wire import CaptureTarget, Sample


@dataclass(frozen=True, slots=True)
class Request:
    """What to capture, within the bounds of this collector. `denies`: whose stacks the owner of the host keeps."""

    id: str
    target: CaptureTarget
    seconds: int
    hz: int
    denies: Denies = lambda _: False
    proc: Path = PROC


@dataclass(frozen=True, slots=True)
class File:
    """What has a format of its own and is kept as it is, for download."""

    name: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Result:
    """What was captured, and in words how much. `partial` says why it is less than was asked for, '' when it is all."""

    samples: tuple[Sample, ...]
    count: int
    message: str
    partial: str = ""
    files: tuple[File, ...] = ()


class Watch(Protocol):
    """Who asked for a capture, as a kind sees him."""

    def goes_on(self) -> bool:
        """False when the collector stops: return what there is. Raises Cancelled, which no kind needs to catch."""

    def wait(self, seconds: float) -> bool:
        """`goes_on` after so long, or sooner when there is news."""

    def tell(self, share: float, message: str, samples: int = 0) -> None:
        """How far it is, 0 to 1; returns at once."""


class Cancelled(Exception):
    """The person who asked does not want it any more; nothing is kept."""


def always() -> None:
    """Nothing is missing on any host."""


@dataclass(frozen=True, slots=True)
class Kind:
    """`capture` raises CaptureError, in words for the page, when there is nothing to return.

    `missing` says why this host cannot take the kind, whatever the target: the server then does not offer it. It is
    asked once a minute.
    """

    name: str
    help: str
    capture: Callable[[Request, Watch], Result]
    missing: Callable[[], str | None] = always
