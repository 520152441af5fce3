"""A change as `diagnose.changes.describe` gives it, as types for the API's description."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from diagnose.web.api.answers import Answer, HostName


class LinkedFinding(Answer, frozen=True):
    """A finding close to it in time: `before` its trouble began, or `during` it."""

    id: str
    relation: Literal["before", "during"]
    headline: str


class Change(Answer, frozen=True):
    """What was different from `at` on; facts are read up to a minute apart.

    `host` is None for what was declared for all; `service` is None for what concerns the whole host.
    """

    id: str
    kind: Literal[
        "setting",
        "limit",
        "configuration",
        "software",
        "version",
        "restart",
        "hardware",
        "deploy",
        "other",
    ]
    host: HostName | None
    service: str | None
    name: str
    before: str
    after: str
    at: datetime
    origin: Literal["detected", "declared"]
    actor: str | None
    text: str | None
    findings: list[LinkedFinding]
    url: str


class ChangeList(Answer, frozen=True):
    """A page of changes, the latest first."""

    results: list[Change]
    next: str | None
