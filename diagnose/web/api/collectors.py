"""What the API's description says of the endpoints that other packages serve: the collectors' ones."""

from __future__ import annotations

from typing import Any

import msgspec

from diagnose.access.enroll import Enrolment
from diagnose.web.api import query
from diagnose.web.api.answers import Answer
from diagnose.web.api.describe import Operation

BATCH_TYPE = "application/vnd.diagnose.batch+msgpack"


class Enrolled(Answer, frozen=True):
    """The host's id, and its token: shown once."""

    host: int
    token: str


class Committed(Answer, frozen=True):
    """Up to `seq`, all of this epoch is safe; the collector may delete it."""

    epoch: str
    seq: int


class Taken(Answer, frozen=True):
    """A batch was queued."""

    committed: Committed


class Commands(msgspec.Struct, frozen=True):
    """Commands as `wire.Command`; `after` continues behind the last of them."""

    commands: list[dict[str, Any]]
    after: str


class Progress(msgspec.Struct, frozen=True):
    """How a capture goes on its host, in plain words."""

    id: str
    state: str
    progress: float = 0.0
    message: str = ""
    samples: int = 0
    partial: bool = False
    refused: bool = False


class Kept(Answer, frozen=True):
    """A file was kept."""

    name: str
    bytes: int


class Heard(Answer, frozen=True):
    """The capture's state here: cancelled tells the collector to stop."""

    state: str


_WAIT = query.whole("wait", "Seconds to wait for a command.", least=0, most=55, default=25)
_AFTER = query.text("after", "The last command that the collector has.")

_NAME = query.text("name", "Up to 80 letters, digits, dots, dashes and underscores.", required=True)

# By route and method.
OPERATIONS: dict[tuple[str, str], Operation] = {
    ("enroll", "POST"): Operation(
        "Make a host of a collector.",
        "Takes an enrolment token. The same identity again is the same host with a new token.",
        answer=Enrolled,
        status=201,
        body=Enrolment,
    ),
    ("batches", "POST"): Operation(
        "Take a batch of a collector.",
        "The body is a batch (`wire.Batch`) in msgpack, with a zstd frame in it. 422 means quarantined: do not send it "
        "again. 400 means that it was cut short on the way; 429 and 503 say with Retry-After when to send it again.",
        answer=Taken,
        status=202,
        body=bytes,
        body_type=BATCH_TYPE,
        problems=(400, 413, 415, 429, 503),
    ),
    ("commands", "GET"): Operation(
        "The commands for a collector.",
        "With `wait`, a redirect (307) to the stream process, which answers when there is a command or the time is up.",
        query=(_WAIT, _AFTER),
        answer=Commands,
        redirect=True,
        problems=(503,),
    ),
    ("captures/{capture_id}/progress", "POST"): Operation(
        "Take a collector's report on a capture.",
        answer=Heard,
        body=Progress,
    ),
    ("captures/{capture_id}/files", "POST"): Operation(
        "Take a file of a capture.",
        "The body is the file as it is, up to 64 MB; the same name again replaces it.",
        query=(_NAME,),
        answer=Kept,
        status=201,
        body=bytes,
        body_type="application/octet-stream",
        problems=(409, 413),
    ),
    ("captures/{capture_id}/events", "GET"): Operation(
        "How a capture goes, as server-sent events.",
        "A redirect (307) to the stream process. Each event's data is the capture as GET on it answers; the stream "
        "honours Last-Event-ID and ends after a final state.",
        redirect=True,
    ),
}
