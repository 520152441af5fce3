"""How the server is asked for commands: the question waits in its stream process, where a signed ticket lets it in.

The web process gives the ticket with a redirect. It holds for some minutes, so most questions go to the stream process
at once and cost the web process nothing. When the stream process cannot be reached, the web process itself is asked
every few seconds.
"""

from __future__ import annotations

import logging
import time
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit, urlunsplit

from collectors.delivery.client import Answer, Client, Unreachable

_LOG = logging.getLogger("diagnose.commands")

WAIT_SECONDS = 25
# The stream process answers after WAIT_SECONDS at the latest; more silence than this is a dead connection.
GRACE_SECONDS = 10.0
POLL_SECONDS = 5.0
# A stream process that restarts is back in a second; one behind a closed port is tried ever more seldom.
STREAM_RETRY_SECONDS = (1.0, 60.0)
_TICKET_IS_OVER = {401, 403}


class Asking:
    """Keeps where the stream process is, with the ticket, and how long it has been away."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._stream = ""
        self._away_until = 0.0
        self._failures = 0

    def ask(self, after: str) -> tuple[Answer, float]:
        """The answer, and how long to rest before the next question. Raises Unreachable, StateError."""
        if time.monotonic() < self._away_until:
            return self._without_stream(after)
        kept = self._stream
        if not kept:
            answer = self._client.get(_path(WAIT_SECONDS, after), WAIT_SECONDS + GRACE_SECONDS)
            if answer.status != 307:
                # Whoever answers at once without commands would be asked without a pause.
                return answer, 1.0
            self._stream = urljoin(self._client.server + "/", answer.headers.get("location", ""))
        try:
            waited = self._client.get_elsewhere(_moved(self._stream, after), WAIT_SECONDS + GRACE_SECONDS)
            status, reason = waited.status, f"{waited.status} from the stream process"
        except Unreachable as error:
            status, reason = 0, str(error)
        if status == 200:
            self._failures = 0
            return waited, 0.0
        self._stream = ""
        if kept and status in _TICKET_IS_OVER:
            return self.ask(after)
        self._stay_away(reason)
        return self._without_stream(after)

    def _stay_away(self, reason: str) -> None:
        first, longest = STREAM_RETRY_SECONDS
        away = min(first * 2.0 ** min(self._failures, 16), longest)
        self._failures += 1
        self._away_until = time.monotonic() + away
        _LOG.warning("cannot wait for commands, trying again in %.0f s: %s", away, reason)

    def _without_stream(self, after: str) -> tuple[Answer, float]:
        rest = min(POLL_SECONDS, max(0.1, self._away_until - time.monotonic()))
        return self._client.get(_path(0, after)), rest


def _path(wait: int, after: str) -> str:
    return f"/api/v1/commands?{urlencode({'wait': wait, 'after': after})}"


def _moved(url: str, after: str) -> str:
    """The same address from another position."""
    parts = urlsplit(url)
    query = {**dict(parse_qsl(parts.query)), **({"after": after} if after else {})}
    return urlunsplit(parts._replace(query=urlencode(query)))
