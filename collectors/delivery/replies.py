"""What a collector says back on a capture: how it goes, and the files it gave."""

from __future__ import annotations

import logging
import threading
from urllib.parse import urlencode

import msgspec

from collectors.capture.failures import CaptureError
from collectors.delivery.client import Answer, Client, Unreachable
from collectors.state import StateError
from collectors.wire import CommandStatus

_LOG = logging.getLogger("diagnose.commands")

_FINAL = {"done", "failed", "cancelled", "expired"}
FINAL_ATTEMPTS = 6
FINAL_RETRY_SECONDS = 1.0


class Replies:
    """`stopped` ends the waiting between attempts."""

    def __init__(self, client: Client, stopped: threading.Event) -> None:
        self._client, self._stopped = client, stopped

    def report(self, status: CommandStatus) -> None:
        """Tell the server how a command goes. The end of it is told until it is heard; the rest once."""
        path = f"/api/v1/captures/{status.id}/progress"
        attempts = FINAL_ATTEMPTS if status.state in _FINAL else 1
        reason = self._post(path, msgspec.json.encode(status), "application/json", attempts)
        if reason:
            _LOG.warning("cannot report on capture %s: %s", status.id, reason)

    def keep(self, identifier: str, name: str, content: bytes) -> None:
        """Send a file of a capture. Raises CaptureError in the server's words, or after some tries."""
        path = f"/api/v1/captures/{identifier}/files?{urlencode({'name': name})}"
        reason = self._post(path, content, "application/octet-stream", FINAL_ATTEMPTS)
        if reason:
            raise CaptureError(f"The file {name} ({len(content) / 1e6:.1f} MB) was not kept: {reason}")

    def _post(self, path: str, body: bytes, content_type: str, attempts: int) -> str:
        """Why it was not taken, '' when it was. A server that cannot now is asked again, one that will not is not."""
        reason = "the collector stops"
        for attempt in range(attempts):
            if attempt and self._stopped.wait(FINAL_RETRY_SECONDS * 2.0 ** (attempt - 1)):
                break
            try:
                answer = self._client.post(path, body, {"Content-Type": content_type})
            except (Unreachable, StateError) as error:
                reason = str(error)
                continue
            if answer.status < 300:
                return ""
            reason = _words(answer)
            if answer.status < 500 and answer.status != 429:
                break
        return reason


class _Problem(msgspec.Struct, frozen=True):
    detail: str = ""


def _words(answer: Answer) -> str:
    """The server's own, where it has any."""
    try:
        detail = msgspec.json.decode(answer.body, type=_Problem).detail
    except msgspec.MsgspecError:
        detail = ""
    return detail or f"the server answered {answer.status}"
