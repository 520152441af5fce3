"""How the collectors fare: when a host was seen, its probes, what was lost and what could not be read."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Q, Sum
from django.db.models.functions import Coalesce

from diagnose.models import Host, IngestEpoch, IngestGap, ProbeState, QuarantinedBatch, Token

# Probes that the host's owner switched off say so themselves (collectors/agent.py); that is no failure.
SWITCHED_OFF = "switched off"
_NAMED = ("id", "name", "agent", "last_seen_at", "clock_skew_seconds")
_IS_OFF = Q(ok=False, reason__startswith=SWITCHED_OFF)


@dataclass(frozen=True, slots=True)
class HostRow:
    """`clock_skew_seconds` is host minus server; `lost_batches` the collector dropped before it could send them."""

    id: int
    identity: str
    name: str
    agent: str
    enrolled_at: datetime
    last_seen_at: datetime | None
    clock_skew_seconds: float | None
    failing_probes: int
    quarantined_batches: int
    lost_batches: int
    skipped_samples: int


@dataclass(frozen=True, slots=True)
class NamedHost:
    """What the head of a page about a host says."""

    id: int
    name: str
    agent: str
    last_seen_at: datetime | None
    clock_skew_seconds: float | None


@dataclass(frozen=True, slots=True)
class ProbeRow:
    """`seconds` is CPU time of the last run; `reason` says why it was not ok."""

    probe: str
    ok: bool
    reason: str
    seconds: float
    bytes: int
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class GapRow:
    """Batches that will never come, both ends inclusive."""

    epoch: str
    first_seq: int
    last_seq: int
    declared_at: datetime


@dataclass(frozen=True, slots=True)
class QuarantineRow:
    """A batch that could not be read; `seq` is None when it did not even say which it is."""

    id: int
    epoch: str
    seq: int | None
    error: str
    received_at: datetime


def hosts() -> list[HostRow]:
    """All hosts, ordered by name."""
    return _rows(Host.objects.all())


def host(host_id: int) -> HostRow | None:
    rows = _rows(Host.objects.filter(pk=host_id))
    return rows[0] if rows else None


def named(host_id: int) -> NamedHost | None:
    """One query, where `host` takes five."""
    found = Host.objects.filter(pk=host_id).values_list(*_NAMED).first()
    return None if found is None else NamedHost(*found)


def all_named() -> list[NamedHost]:
    """All hosts, ordered by name; one query."""
    return [NamedHost(*found) for found in Host.objects.order_by("name", "id").values_list(*_NAMED)]


def names() -> dict[int, str]:
    """Of all hosts, by id."""
    return dict(Host.objects.values_list("id", "name"))


def probes(host_id: int) -> list[ProbeRow]:
    """Ordered by name."""
    return [
        ProbeRow(row.probe, row.ok, row.reason, row.seconds, row.bytes, row.updated_at)
        for row in ProbeState.objects.filter(host_id=host_id).order_by("probe")
    ]


def probe_counts() -> dict[int, tuple[int, int]]:
    """By host id: how many probes have reported, and how many of them are switched off."""
    found = ProbeState.objects.values_list("host_id").annotate(
        every=Count("id"), off=Count("id", filter=_IS_OFF)
    )
    return {host_id: (every, off) for host_id, every, off in found}


def enrolled() -> set[int]:
    """Hosts whose collector has a token that counts."""
    live = Token.objects.filter(kind=Token.Kind.HOST, revoked_at=None, host__isnull=False)
    return set(live.values_list("host_id", flat=True))


def gaps(host_id: int) -> list[GapRow]:
    """Newest first."""
    return [
        GapRow(row.epoch, row.first_seq, row.last_seq, row.declared_at)
        for row in IngestGap.objects.filter(host_id=host_id).order_by("-id")
    ]


def quarantined(host_id: int) -> list[QuarantineRow]:
    """Newest first, without their bytes; only the last ones are kept."""
    return [
        QuarantineRow(row.pk, row.epoch, row.seq, row.error, row.received_at)
        for row in QuarantinedBatch.objects.filter(host_id=host_id).defer("payload").order_by("-id")
    ]


def _rows(chosen: Iterable[Host]) -> list[HostRow]:
    """One query for each kind of number, however many hosts there are."""
    lacking = ProbeState.objects.filter(ok=False).exclude(_IS_OFF)
    failing = _counted(lacking.values_list("host_id").annotate(Count("id")))
    quarantine = _counted(QuarantinedBatch.objects.values_list("host_id").annotate(Count("id")))
    lost = _counted(
        IngestGap.objects.values_list("host_id").annotate(n=Sum("last_seq") - Sum("first_seq") + Count("id"))
    )
    skipped = _counted(
        IngestEpoch.objects.values_list("host_id").annotate(n=Coalesce(Sum("skipped_samples"), 0))
    )
    return [
        HostRow(
            id=row.pk,
            identity=row.identity,
            name=row.name,
            agent=row.agent,
            enrolled_at=row.enrolled_at,
            last_seen_at=row.last_seen_at,
            clock_skew_seconds=row.clock_skew_seconds,
            failing_probes=failing.get(row.pk, 0),
            quarantined_batches=quarantine.get(row.pk, 0),
            lost_batches=lost.get(row.pk, 0),
            skipped_samples=skipped.get(row.pk, 0),
        )
        for row in chosen
    ]


def _counted(rows: Iterable[tuple[int, int]]) -> dict[int, int]:
    return dict(rows)
