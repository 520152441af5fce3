"""The relational part of a batch: when the host was seen, its clock, facts, events and probes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from operator import itemgetter

from django.db import connection

from diagnose.ingest import facthistory
from diagnose.ingest.clock import TOLERATED_SKEW_SECONDS
from diagnose.ingest.content import EventReading, FactReading, ProbeReading
from diagnose.ingest.facthistory import History
from diagnose.models import Fact, FactChange, Host, HostEvent, ProbeState
from diagnose.store.rows import NS_PER_SECOND


def at(ns: int) -> datetime:
    """Unix nanoseconds as Django wants them, to the microsecond."""
    seconds, rest = divmod(ns, NS_PER_SECOND)
    return datetime.fromtimestamp(seconds, UTC).replace(microsecond=rest // 1000)


# As `update()` would write it; the ORM took forty times as long to put it together for a group of hosts.
_SEEN = f"""
UPDATE {Host._meta.db_table} SET last_seen_at = %s, agent = %s, clock_skew_seconds = %s
WHERE id = %s AND (last_seen_at IS NULL OR last_seen_at < %s)
"""  # noqa: S608


def seen(rows: Iterable[tuple[Host, str, float, int]]) -> None:
    """Agent, skew and arrival of batches. They are written out of order: only the newest says how a host is.

    In the order of the hosts: two workers that write the same ones never wait for each other.
    """
    newest = {
        host.pk: (agent[:40], skew, at(ns)) for host, agent, skew, ns in sorted(rows, key=itemgetter(3))
    }
    stored = connection.ops.adapt_datetimefield_value
    with connection.cursor() as cursor:
        cursor.executemany(
            _SEEN,
            [
                (stored(when), agent, skew, host, stored(when))
                for host, (agent, skew, when) in sorted(newest.items())
            ],
        )


def clock_event(before: float, skew_seconds: float, received_ns: int) -> list[EventReading]:
    """An event when a host's clock went wrong, or wrong by another amount than `before` the batch."""
    known = abs(before) > TOLERATED_SKEW_SECONDS and abs(before - skew_seconds) <= TOLERATED_SKEW_SECONDS
    if abs(skew_seconds) <= TOLERATED_SKEW_SECONDS or known:
        return []
    fields = {
        "skew_seconds": f"{skew_seconds:.1f}",
        "remedy": "set the host's clock, for example with chrony",
    }
    return [EventReading("clock_shifted", received_ns, fields)]


def add_events(host: Host, events: Iterable[EventReading]) -> None:
    HostEvent.objects.bulk_create(
        HostEvent(host=host, kind=event.kind, at=at(event.time_ns), fields=event.fields) for event in events
    )


def set_probes(host: Host, probes: Sequence[ProbeReading], sent_ns: int) -> None:
    """The last status of each probe; one that a newer batch has told already stays."""
    if not probes:
        return
    last = {one.probe: one for one in probes}
    newer = set(
        ProbeState.objects.filter(host=host, updated_at__gt=at(sent_ns)).values_list("probe", flat=True)
    )
    ProbeState.objects.bulk_create(
        (
            ProbeState(
                host=host,
                probe=name,
                ok=one.ok,
                reason=one.reason,
                seconds=one.seconds,
                bytes=one.bytes,
                updated_at=at(sent_ns),
            )
            for name, one in last.items()
            if name not in newer
        ),
        update_conflicts=True,
        unique_fields=["host", "probe"],
        update_fields=["ok", "reason", "seconds", "bytes", "updated_at"],
    )


def set_facts(host: Host, facts: Sequence[FactReading]) -> None:
    """Current values, and their changes. A late reading takes its place in the history."""
    if not facts:
        return
    names = {fact.name for fact in facts}
    current = {fact.name: fact for fact in Fact.objects.filter(host=host, name__in=names)}
    changes: list[FactChange] = []
    touched: dict[str, Fact] = {}
    for reading in sorted(facts, key=lambda fact: fact.time_ns):
        when, known = at(reading.time_ns), current.get(reading.name)
        if known is None:
            known = current[reading.name] = Fact(host=host, name=reading.name, value=reading.value)
            known.first_at = known.since = known.read_at = when
        elif when > known.read_at:
            if known.value != reading.value:
                before, after = known.value, reading.value
                changes.append(FactChange(host=host, name=reading.name, before=before, after=after, at=when))
                known.value, known.since = reading.value, when
            known.read_at = when
        else:
            _tell_late(known, when, reading.value)
        touched[reading.name] = known
    FactChange.objects.bulk_create(changes, ignore_conflicts=True)
    Fact.objects.bulk_create(
        touched.values(),
        update_conflicts=True,
        unique_fields=["host", "name"],
        update_fields=["value", "since", "first_at", "read_at"],
    )


def _tell_late(fact: Fact, when: datetime, value: str) -> None:
    """A reading from before the last one: the fact's changes are written anew when it says something new."""
    rows = FactChange.objects.filter(host=fact.host, name=fact.name)
    stored = list(rows.order_by("at").values_list("at", "before", "after"))
    first = stored[0][1] if stored else fact.value
    starts = ((fact.first_at, first), *((at_, after) for at_, _, after in stored))
    history = facthistory.told(History(starts, fact.read_at), when, value)
    if history.starts == starts:
        return
    rows.delete()
    FactChange.objects.bulk_create(
        FactChange(host=fact.host, name=fact.name, before=before, after=after, at=at_)
        for at_, before, after in facthistory.changes(history.starts)
    )
    fact.first_at, fact.since = history.starts[0][0], history.starts[-1][0]
