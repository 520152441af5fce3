"""Asks the server for commands, and runs those that are new, in time, known and allowed by the host's owner.

The request waits in the server's stream process, where the web process sends us with a signed ticket. When that
process cannot be reached, the web process itself is asked every few seconds.
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
from urllib.parse import urlencode, urljoin

import msgspec

from collectors.capture.ending import Ending
from collectors.capture.ondemand import Outlets
from collectors.client import Answer, Client, Unreachable
from collectors.replies import Replies
from collectors.state import StateError
from collectors.wire import CaptureTarget, Command, CommandStatus, Sample

_LOG = logging.getLogger("diagnose.commands")

WAIT_SECONDS = 25
# The stream process answers after WAIT_SECONDS at the latest; more silence than this is a dead connection.
GRACE_SECONDS = 10.0
POLL_SECONDS = 5.0
# A stream process that restarts is back in a second; one behind a closed port is tried ever more seldom.
STREAM_RETRY_SECONDS = (1.0, 60.0)
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
        self._client, self._position = client, position
        self._refusal, self._capture = refusal, capture
        self._after = position.read_text().strip() if position.exists() else ""
        self._seen: OrderedDict[tuple[str, str], None] = OrderedDict()
        self._running: dict[str, _Running] = {}
        self._stream_away_until = 0.0
        self._stream_failures = 0
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
            answer, rest = self._ask()
            found = _decode(answer)
        except (Unreachable, NotUnderstood, StateError) as error:
            return self._back_off(error)
        self._failures, self.error = 0, ""
        if found.after and found.after != self._after:
            self._remember_position(found.after)
        for command in found.commands:
            self._handle(command)
        return rest

    def _ask(self) -> tuple[Answer, float]:
        """The answer, and how long to rest before the next question."""
        if time.monotonic() < self._stream_away_until:
            return self._client.get(self._path(0)), self._rest_without_stream()
        answer = self._client.get(self._path(WAIT_SECONDS), WAIT_SECONDS + GRACE_SECONDS)
        if answer.status != 307:
            # Whoever answers at once without commands would be asked without a pause.
            return answer, 1.0
        url = urljoin(self._client.server + "/", answer.headers.get("location", ""))
        try:
            waited = self._client.get_elsewhere(url, WAIT_SECONDS + GRACE_SECONDS)
            if waited.status == 200:
                self._stream_failures = 0
                return waited, 0.0
            reason = f"{waited.status} from the stream process"
        except Unreachable as error:
            reason = str(error)
        first, longest = STREAM_RETRY_SECONDS
        away = min(first * 2.0 ** min(self._stream_failures, 16), longest)
        self._stream_failures += 1
        self._stream_away_until = time.monotonic() + away
        _LOG.warning("cannot wait for commands, trying again in %.0f s: %s", away, reason)
        return self._client.get(self._path(0)), self._rest_without_stream()

    def _rest_without_stream(self) -> float:
        return min(POLL_SECONDS, max(0.1, self._stream_away_until - time.monotonic()))

    def _path(self, wait: int) -> str:
        return f"/api/v1/commands?{urlencode({'wait': wait, 'after': self._after})}"

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
