"""A capture as `diagnose.captures.describe` gives it, as types for the API's description."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from diagnose.web.api.answers import Answer

State = Literal["queued", "sent", "running", "done", "failed", "cancelled", "expired"]


class Target(Answer, frozen=True):
    """Whom it is of: exactly one of `pid`, `service` and `cgroup` was given."""

    host: str
    host_id: int
    pid: int | None
    service: str | None
    cgroup: str | None


class Result(Answer, frozen=True, rename={"from_": "from"}):
    """Where the profile is: GET /profiles/flamegraph?capture=<id> shows it."""

    host_id: int
    service: str
    type: str
    from_: datetime
    to: datetime


class Capture(Answer, frozen=True):
    """An on-demand profile. `message` says in plain words how it goes, or why it failed and what to do."""

    id: str
    state: State
    progress: float
    message: str
    samples: int
    target: Target
    kind: str
    seconds: float
    hz: int
    reason: str
    requested_by: str
    requested_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    result: Result | None
    url: str


class CaptureList(Answer, frozen=True):
    """A page of captures, newest first."""

    results: list[Capture]
    next: str | None


class NewTarget(Answer, frozen=True):
    """Whom to capture: the host by id or name, and exactly one of the others."""

    host: int | str
    pid: int | None = None
    service: str | None = None
    cgroup: str | None = None


class NewCapture(Answer, frozen=True):
    """A request: `kind` is cpu, wall or gil; `seconds` 1 to 300; `hz` 1 to 500 samples a second."""

    target: NewTarget
    kind: str = "cpu"
    seconds: float = 10.0
    hz: int = 100
    reason: str = ""
