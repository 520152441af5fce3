"""Diagnosis reports as the API answers and takes them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import msgspec

from diagnose.web.api.answers import Answer


class Report(Answer, frozen=True):
    """A report that was made, without what it holds."""

    id: str
    title: str
    host: str | None
    service: str | None
    window_from: datetime
    window_to: datetime
    made_at: datetime
    made_by: str
    weekly: bool
    causes: int
    url: str


class ReportList(Answer, frozen=True):
    """The newest first."""

    results: list[Report]
    next: str | None


class NewReport(Answer, frozen=True, rename={"start": "from", "end": "to"}):
    """What it is about: all hosts, one (by id or name), a service, or a service on a host. Times as in queries."""

    host: Annotated[str, msgspec.Meta(max_length=300)] | int = ""
    service: Annotated[str, msgspec.Meta(max_length=300)] = ""
    start: Annotated[str, msgspec.Meta(max_length=40)] = "-24h"
    end: Annotated[str, msgspec.Meta(max_length=40)] = ""
