"""Runs a capture that a person asked for, telling how it goes about twice a second."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from collectors.capture.choose import Denies
from collectors.capture.ending import Ending
from collectors.capture.failures import CaptureError
from collectors.capture.kind import Cancelled, Kind, Request, Result
from collectors.wire import CaptureState, Command, CommandStatus, Sample

MAX_SECONDS, MAX_HZ = 300, 999

Report = Callable[[CommandStatus], None]
Emit = Callable[[Sample], None]


@dataclass(frozen=True, slots=True)
class Outlets:
    """Where a capture's reports, samples and files (id, name, content) go. `keep` raises CaptureError."""

    report: Report
    emit: Emit
    keep: Callable[[str, str, bytes], None]


class OnDemand:
    """`denies`: whose stacks the host's owner keeps to himself, whatever the target is."""

    def __init__(self, denies: Denies = lambda _: False) -> None:
        self._denies = denies

    def run(self, command: Command, outlets: Outlets, ending: Ending) -> None:
        """From start to end in the calling thread. The last report is done, failed or cancelled.

        `done` means that all was handed over; whether it arrived is for the server to know.
        """
        try:
            with _Watch(command.id, outlets.report, ending) as watch:
                watch.say("sent", message="The collector has taken the command.")
                result = self._capture(command, watch)
                for file in result.files:
                    watch.tell(0.99, f"Sending {file.name}, {len(file.content) / 1e6:.1f} MB", result.count)
                    outlets.keep(command.id, file.name, file.content)
        except CaptureError as error:
            outlets.report(CommandStatus(command.id, "failed", message=str(error)))
        except Cancelled:
            outlets.report(CommandStatus(command.id, "cancelled", message="Cancelled; nothing was kept."))
        else:
            for sample in result.samples:
                outlets.emit(sample)
            outlets.report(_done(command, result))

    def _capture(self, command: Command, watch: _Watch) -> Result:
        return _kind(command.profile).capture(_request(command, self._denies), watch)


class _Watch:
    """Reports from a thread of its own: a slow server must not hold up the watching of what is captured.

    Of several statuses that wait, only the newest is told.
    """

    def __init__(self, identifier: str, report: Report, ending: Ending) -> None:
        self._identifier, self._report, self._ending = identifier, report, ending
        self._newest: CommandStatus | None = None
        self._changed = threading.Condition()
        self._closed = False
        self._thread = threading.Thread(target=self._work, name="capture-report", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: TracebackType | type[BaseException] | BaseException | None) -> None:
        with self._changed:
            self._closed = True
            self._changed.notify()
        self._thread.join()

    def goes_on(self) -> bool:
        return self.wait(0)

    def wait(self, seconds: float) -> bool:
        over = self._ending.wait(seconds)
        if self._ending.cancelled:
            raise Cancelled
        return not over

    def tell(self, share: float, message: str, samples: int = 0) -> None:
        self.say("running", share, message, samples)

    def say(self, state: CaptureState, progress: float = 0.0, message: str = "", samples: int = 0) -> None:
        with self._changed:
            self._newest = CommandStatus(self._identifier, state, progress, message, samples)
            self._changed.notify()

    def _work(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._closed or self._newest is not None)
                status, self._newest = self._newest, None
                if self._closed:
                    return
            if status is not None:
                self._report(status)


def _done(command: Command, result: Result) -> CommandStatus:
    words = result.partial or f"{result.message} are on their way to the server."
    return CommandStatus(command.id, "done", 1.0, words, result.count, partial=bool(result.partial))


def _kind(name: str) -> Kind:
    """CaptureError when this collector has no such kind."""
    from collectors.capture import kinds  # with all they need, later than the first batch

    kind = kinds.named(name)
    if kind is None:
        known = ", ".join(each.name for each in kinds.ALL)
        raise CaptureError(f"This collector takes no {name!r} captures; it knows {known}.")
    return kind


def _request(command: Command, denies: Denies) -> Request:
    """Bounds hold whatever the server asked for."""
    if command.target is None:
        raise CaptureError("The command names no process, service, cgroup or container.")
    seconds = max(1, min(MAX_SECONDS, math.ceil(command.seconds)))
    return Request(command.id, command.target, seconds, max(1, min(MAX_HZ, command.hz)), denies)
