"""What `/collectors` answers. None is "not known", never zero."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from diagnose.web.api.answers import Answer


class Collector(Answer, frozen=True):
    """One host's collector.

    `cpu_ratio` is of one core and `resident_bytes` of all its parts, sampling included; `slowdown` above 1 says that it
    is over its budget. `lag_seconds` is the age of the newest reading. `enrolled`: its
    credential was not revoked.
    """

    host: int
    name: str
    state: Literal["live", "late", "silent", "never"]
    version: str
    old: bool
    enrolled: bool
    enrolled_at: datetime
    last_batch_at: datetime | None
    lag_seconds: float | None
    clock_skew_seconds: float | None
    cpu_ratio: float | None
    resident_bytes: float | None
    spool_batches: float | None
    spool_bytes: float | None
    slowdown: float | None
    lost_batches: int
    quarantined_batches: int
    probes_at_work: int
    probes_off: int
    probes_lacking: int
    url: str


class ProbeState(Answer, frozen=True):
    """`seconds` is CPU time of the last run; `remedy` says how to get what it lacks, as far as that is known."""

    probe: str
    state: Literal["works", "off", "lacks"]
    reason: str
    remedy: str
    seconds: float
    updated_at: datetime


class Gap(Answer, frozen=True):
    """Batches that will never come, both ends inclusive."""

    epoch: str
    first_seq: int
    last_seq: int
    declared_at: datetime


class Quarantined(Answer, frozen=True):
    """A batch that could not be read; `seq` is null when it did not say which it is."""

    epoch: str
    seq: int | None
    error: str
    received_at: datetime


class CollectorDetail(Collector, frozen=True):
    """With its probes, and the newest of what was lost or unreadable."""

    probes: list[ProbeState]
    gaps: list[Gap]
    quarantined: list[Quarantined]


class CollectorList(Answer, frozen=True):
    """`version` is this server's own, which hosts install; `installable` is empty, or why they cannot."""

    version: str
    installable: str
    upgrade: str
    results: list[Collector]
    next: str | None


class Invitation(Answer, frozen=True):
    """An enrolment token, shown once, and the lines to run on a host."""

    token: str
    expires_at: datetime
    hosts: int | None
    lines: list[str]


class Revoked(Answer, frozen=True):
    """How many credentials of the host were revoked."""

    revoked: int
