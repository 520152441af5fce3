"""What a report holds. Plain data: it is kept as JSON, answered by the API, and every export is made of it alone."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

import msgspec

ScopeKind = Literal["fleet", "host", "service"]
VERSION = 1


class Part(msgspec.Struct, frozen=True):
    """Of a document."""


class Scope(Part, frozen=True):
    """What it is about: all hosts, one host, or one service (on all hosts, or on one)."""

    kind: ScopeKind
    host_id: int | None = None
    host: str = ""
    service: str = ""


class Span(Part, frozen=True, rename={"start": "from", "end": "to"}):
    """A window of time, UTC."""

    start: datetime
    end: datetime


class Curve(Part, frozen=True):
    """One series of a picture: Unix seconds and values, in time order."""

    name: str
    times: list[float]
    values: list[float]


class Picture(Part, frozen=True):
    """Readings that a finding rests on. `unit` is "%", "/s" or empty; `limit` is in that unit."""

    metric: str
    unit: str
    limit: float | None
    span: Span
    judged: Span
    curves: list[Curve]


class Note(Part, frozen=True):
    """What somebody did about a finding."""

    at: datetime
    actor: str
    kind: str
    text: str


class Cause(Part, frozen=True):
    """A root cause in the API's form of a finding, with the symptoms that it explains."""

    finding: dict[str, Any]
    symptoms: list[dict[str, Any]]
    pictures: list[Picture]
    notes: list[Note]


class Time(Part, frozen=True):
    """Where the time of a service's threads went: shares of 1 by state."""

    host: str
    service: str
    threads: float
    shares: dict[str, float]


class Function(Part, frozen=True):
    """One of the dearest functions: of the service's samples the share in it alone, and in it and what it calls."""

    service: str
    name: str
    file: str
    line: int
    self_share: float
    total_share: float


class Changed(Part, frozen=True):
    """A fact of a host that took another value."""

    at: datetime
    host: str
    what: str
    before: str
    after: str


class Watched(Part, frozen=True):
    """A host that the report rests on; `lacking` are probes that gave nothing, with the reason."""

    host: str
    last_seen_at: datetime | None
    lost_batches: int
    lacking: list[tuple[str, str]]


class Document(Part, frozen=True):
    """A whole report."""

    version: int
    title: str
    summary: list[str]
    scope: Scope
    span: Span
    made_at: datetime
    made_by: str
    causes: list[Cause]
    time: list[Time]
    functions: list[Function]
    changes: list[Changed]
    hosts: list[Watched]


def as_plain(document: Document) -> dict[str, Any]:
    """As it is kept."""
    plain: dict[str, Any] = msgspec.to_builtins(document)
    return plain


def of_plain(kept: dict[str, Any]) -> Document:
    """Of what was kept. Raises msgspec.ValidationError for a document of a version that is not known."""
    return msgspec.convert(kept, Document)
