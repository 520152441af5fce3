"""Runs a capture that a person asked for, telling how it goes about twice a second."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Final, Self

from collectors import identity
from collectors.capture import choose, stacks
from collectors.capture.failures import CaptureError
from collectors.capture.pyspy import Kind, Order, Recording, Run
from collectors.wire import CaptureState, Command, CommandStatus, Sample

REPORT_SECONDS = 0.5
MAX_SECONDS, MAX_HZ = 300, 500
_KINDS: Final[dict[str, Kind]] = {"cpu": "cpu", "gil": "gil", "wall": "wall"}

Report = Callable[[CommandStatus], None]
Emit = Callable[[Sample], None]


class _Cancelled(Exception):
    """The person who asked does not want it any more."""


def run(command: Command, report: Report, emit: Emit, cancelled: threading.Event) -> None:
    """From start to end in the calling thread. The last report is done, failed or cancelled.

    `done` means that the stacks were emitted; whether they arrived is for the server to know.
    """
    try:
        with _Reporter(command.id, report) as reporter:
            reporter.tell("sent", message="The collector has taken the command.")
            order = _order(command)
            service = identity.service_of(order.pid)
            recording = _record(order, reporter, cancelled)
    except CaptureError as error:
        report(CommandStatus(command.id, "failed", message=str(error)))
        return
    except _Cancelled:
        report(CommandStatus(command.id, "cancelled", message="Cancelled; nothing was kept."))
        return
    result = stacks.to_wire(recording, service, capture_id=command.id)
    count = result.columns.total
    emit(result)
    words = f"{count} samples in {recording.seconds:.1f} s are on their way to the server."
    report(CommandStatus(command.id, "done", 1.0, words, count))


class _Reporter:
    """Reports from a thread of its own: a slow server must not hold up the watching of py-spy.

    Of several statuses that wait, only the newest is told.
    """

    def __init__(self, identifier: str, report: Report) -> None:
        self._identifier, self._report = identifier, report
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

    def tell(self, state: CaptureState, progress: float = 0.0, message: str = "") -> None:
        with self._changed:
            self._newest = CommandStatus(self._identifier, state, progress, message)
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


def _order(command: Command) -> Order:
    """CaptureError when this collector cannot do it; bounds hold whatever the server asked for."""
    kind = _KINDS.get(command.profile)
    if kind is None or command.target is None:
        known = ", ".join(_KINDS)
        raise CaptureError(f"This collector takes no {command.profile!r} profiles; it knows {known}.")
    pid = choose.resolve(command.target)
    seconds = max(1, min(MAX_SECONDS, math.ceil(command.seconds)))
    return Order(pid, kind, seconds, max(1, min(MAX_HZ, command.hz)))


def _record(order: Order, reporter: _Reporter, cancelled: threading.Event) -> Recording:
    with Run(order) as run:
        while not run.poll(REPORT_SECONDS):
            if cancelled.is_set():
                raise _Cancelled
            sampled = run.sampled_seconds()
            if sampled:
                words = f"Sampling process {order.pid}: {sampled:.0f} of {order.seconds} s"
                reporter.tell("running", min(0.99, sampled / order.seconds), words)
        return run.recording()
