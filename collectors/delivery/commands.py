"""Asks the server for commands, and runs those that are new, in time, known and allowed by the host's owner.

`asking` knows how to wait for them, `replies` what is said back.
"""

from __future__ import annotations

import logging
import random
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from collectors.capture.ending import Ending
from collectors.capture.ondemand import Outlets
from collectors.delivery.asking import Asking
from collectors.delivery.client import Answer, Client, Unreachable
from collectors.delivery.replies import Replies
from collectors.state import StateError
from collectors.wire import CaptureTarget, Command, CommandStatus, Sample

_LOG = logging.getLogger("diagnose.commands")

BACKOFF_SECONDS = (1.0, 60.0)
# The server keeps to four; one that was called off takes a moment to end while the next begins.
MAX_CAPTURES = 8
REMEMBERED = 256
STOP_SECONDS = 1.0

Capture = Callable[[Command, Outlets, Ending], None]


class _Commands(msgspec.Struct, frozen=True):
    commands: list[Command] = []
    after: str = ""


class NotUnderstood(Exception):
    """An answer that is not the server's to this question."""


@dataclass(slots=True)
class _Running:
    command: Command
    ending: Ending = field(default_factory=Ending)
    thread: threading.Thread | None = None


class Commands:
    """`step` asks once and returns how long to rest; `run` repeats it until `stop`."""

    def __init__(
        self,
        client: Client,
        position: Path,
        refusal: Callable[[CaptureTarget], str | None],
        capture: Capture,
        emit: Callable[[Sample], None],
    ) -> None:
        self.error = ""
        self._asking, self._position = Asking(client), position
        self._refusal, self._capture = refusal, capture
        self._after = position.read_text().strip() if position.exists() else ""
        self._seen: OrderedDict[tuple[str, str], None] = OrderedDict()
        self._running: dict[str, _Running] = {}
        self._failures = 0
        self._stopped = threading.Event()
        self._replies = Replies(client, self._stopped)
        self._outlets = Outlets(self._replies.report, emit, self._replies.keep)

    def run(self) -> None:
        while not self._stopped.wait(self.step()):
            pass

    def stop(self) -> None:
        """End the loop, and let running captures hand over what they have, for a second at most."""
        self._stopped.set()
        captures = list(self._running.values())
        for running in captures:
            running.ending.stop()
        until = time.monotonic() + STOP_SECONDS
        for running in captures:
            if running.thread is not None:
                running.thread.join(max(0.0, until - time.monotonic()))

    def step(self) -> float:
        """Never raises: trouble is waited out."""
        try:
            answer, rest = self._asking.ask(self._after)
            found = _decode(answer)
        except (Unreachable, NotUnderstood, StateError) as error:
            return self._back_off(error)
        self._failures, self.error = 0, ""
        if found.after and found.after != self._after:
            self._remember_position(found.after)
        for command in found.commands:
            self._handle(command)
        return rest

    def _remember_position(self, after: str) -> None:
        """Before the commands run: after a crash one is rather missed (and fails in words) than made twice."""
        self._after = after
        try:
            self._position.write_text(after + "\n")
        except OSError as error:
            _LOG.warning("cannot write %s: %s", self._position, error.strerror)

    def _back_off(self, error: Exception) -> float:
        self._failures += 1
        first, longest = BACKOFF_SECONDS
        if self.error != str(error):
            _LOG.warning("cannot ask for commands: %s", error)
        self.error = str(error)
        wait = min(first * 2.0 ** (min(self._failures, 16) - 1), longest)
        return wait * random.uniform(0.5, 1.0)  # noqa: S311 — spreads a fleet's retries, guards nothing

    def _handle(self, command: Command) -> None:
        key = (command.action, command.id)
        if key in self._seen:
            return
        self._seen[key] = None
        while len(self._seen) > REMEMBERED:
            self._seen.popitem(last=False)
        if command.action == "cancel":
            self._cancel(command.id)
            return
        late = (time.time_ns() - command.expires_ns) / 1e9
        if late > 0:
            message = f"arrived {late:.0f} s after it expired; is the clock of this host right?"
            self._start_report(CommandStatus(command.id, "expired", message=message))
        elif ("cancel", command.id) in self._seen:
            self._start_report(CommandStatus(command.id, "cancelled"))
        else:
            self._admit(command)

    def _cancel(self, identifier: str) -> None:
        running = self._running.get(identifier)
        if running is not None:
            running.ending.cancel()

    def _admit(self, command: Command) -> None:
        refusal = self._refusal(command.target) if command.target is not None else None
        reason = refusal or self._why_not(command)
        if reason is not None:
            refused = refusal is not None
            self._start_report(CommandStatus(command.id, "failed", message=reason, refused=refused))
            return
        running = self._running[command.id] = _Running(command)
        running.thread = threading.Thread(target=self._run, args=(running,), name="capture", daemon=True)
        running.thread.start()

    def _why_not(self, command: Command) -> str | None:
        if command.target is None:
            return "the command names no process, service, cgroup or container"
        if len(self._running) >= MAX_CAPTURES:
            return f"{MAX_CAPTURES} captures are running on this host already; try again when one has ended"
        return None

    def _run(self, running: _Running) -> None:
        command = running.command
        try:
            self._capture(command, self._outlets, running.ending)
        except Exception as error:  # noqa: BLE001 — a capture's defect must not take the agent down
            _LOG.exception("capture %s failed", command.id)
            self._replies.report(
                CommandStatus(command.id, "failed", message=f"{type(error).__name__}: {error}")
            )
        finally:
            self._running.pop(command.id, None)

    def _start_report(self, status: CommandStatus) -> None:
        threading.Thread(target=self._replies.report, args=(status,), name="report", daemon=True).start()


def _decode(answer: Answer) -> _Commands:
    if answer.status != 200:
        raise NotUnderstood(f"{answer.status} to the question for commands: {answer.body[:80]!r}")
    try:
        return msgspec.json.decode(answer.body, type=_Commands)
    except msgspec.MsgspecError as error:
        raise NotUnderstood(f"the answer to the question for commands is not understood: {error}") from None
