"""A capture as `diagnose.captures.describe` gives it, as types for the API's description."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from diagnose.web.api.answers import Answer

State = Literal["waiting", "queued", "sent", "running", "done", "failed", "refused", "cancelled", "expired"]


class Target(Answer, frozen=True):
    """Whom it is of: exactly one of `pid`, `service`, `cgroup` and `container` was given."""

    host: str
    host_id: int
    pid: int | None
    service: str | None
    cgroup: str | None
    container: str | None


class Result(Answer, frozen=True, rename={"from_": "from"}):
    """Where the profile is: GET /profiles/flamegraph?capture=<id> shows it, of its first type or of `&type=`."""

    host_id: int
    service: str
    type: str
    types: list[str]
    from_: datetime
    to: datetime


class File(Answer, frozen=True):
    """What was captured in a format of its own, for download."""

    name: str
    bytes: int
    url: str


class Capture(Answer, frozen=True):
    """An on-demand profile. `message` says in plain words how it goes, or why it failed and what to do.

    `place` is its place in the line before its host while it is waiting; `partial`: the result is less than was asked
    for; `group` is shared by those that one request asked for.
    """

    id: str
    group: str | None
    state: State
    place: int | None
    progress: float
    message: str
    samples: int
    partial: bool
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
    files: list[File]
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
    container: str | None = None


class NewCapture(Answer, frozen=True):
    """A request: `kind` as GET /captures/kinds lists them; `seconds` 1 to 300; `hz` 10 to 999 samples a second."""

    target: NewTarget
    kind: str = "python_cpu"
    seconds: float = 10.0
    hz: int = 100
    reason: str = ""


class NewGroupTarget(Answer, frozen=True):
    """What to capture on each of the hosts, which are given by id or name: exactly one of the others."""

    hosts: list[int | str]
    service: str | None = None
    cgroup: str | None = None
    container: str | None = None


class NewCaptureGroup(Answer, frozen=True):
    """A request of the same on several hosts at once."""

    target: NewGroupTarget
    kind: str = "python_cpu"
    seconds: float = 10.0
    hz: int = 100
    reason: str = ""


class GroupResult(Answer, frozen=True):
    """The profiles of these hosts as one: GET /profiles/flamegraph?capture_group=<id>."""

    service: str
    types: list[str]
    hosts: list[str]


class CaptureGroup(Answer, frozen=True):
    """Captures that one request asked for, by host; `states` says how many are in which."""

    id: str
    states: dict[str, int]
    captures: list[Capture]
    result: GroupResult | None
    url: str


class Kind(Answer, frozen=True):
    """A kind of capture. `missing` says why the host that was asked about cannot take it, null where it can.

    `lasts`: it takes `seconds`; `rated`: it looks `hz` times a second. `types` are those of its profiles.
    """

    name: str
    title: str
    meaning: str
    group: str
    types: list[str]
    lasts: bool
    rated: bool
    missing: str | None


class KindList(Answer, frozen=True):
    """All kinds, in the order in which they are offered."""

    results: list[Kind]
