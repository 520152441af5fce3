"""Which batches are done, in the main database: the mark, the gaps and the quarantine move in one transaction.

This is the last part of a batch to be written, so whatever is at or below the mark is in its day files.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import TypeVar

from django.db import connection, transaction
from django.db.models import Model, Q, QuerySet

from diagnose.ingest.sequence import advance
from diagnose.models import BatchPart, IngestEpoch, IngestGap, QuarantinedBatch

# Enough to see what is wrong with a collector without letting it fill the database.
_QUARANTINE_ROWS = 50
_QUARANTINE_BYTES = 256 * 1024
# Asked with every request; the ORM takes ten times as long to put the question together as the answer takes.
_COMMITTED = f"SELECT committed_seq FROM {IngestEpoch._meta.db_table} WHERE host_id = %s AND epoch = %s"  # noqa: S608
_M = TypeVar("_M", bound=Model)


def committed_seq(host_id: int, epoch: str) -> int:
    """The highest sequence number up to which all are done; 0 for an epoch never seen."""
    with connection.cursor() as cursor:
        cursor.execute(_COMMITTED, (host_id, epoch))
        row = cursor.fetchone()
    return int(row[0]) if row else 0


def committed_seqs(epochs: Collection[tuple[int, str]]) -> dict[tuple[int, str], int]:
    """The same for many (host, epoch); one that was never seen is missing."""
    rows = _rows(IngestEpoch.objects.all(), epochs).values_list("host_id", "epoch", "committed_seq")
    return {(host, epoch): seq for host, epoch, seq in rows}


@dataclass(frozen=True, slots=True)
class Part:
    """The main database's part of a batch: `apply` writes it."""

    host_id: int
    epoch: str
    seq: int
    oldest_seq: int
    apply: Callable[[], None]
    skipped: int = 0


def finish(parts: Sequence[Part]) -> None:
    """Apply what is not done yet, and mark all as done, in one transaction."""
    epochs = {(part.host_id, part.epoch) for part in parts}
    with transaction.atomic():
        marks = _locked_marks(epochs)
        above = _done_above(epochs)
        stored = {key: set(seqs) for key, seqs in above.items()}
        for part in sorted(parts, key=lambda part: (part.host_id, part.epoch, part.seq)):
            key = part.host_id, part.epoch
            if part.seq > marks[key].committed_seq and part.seq not in above[key]:
                part.apply()
                _advance(marks[key], part, above[key])
        IngestEpoch.objects.bulk_create(
            marks.values(),
            update_conflicts=True,
            unique_fields=["host", "epoch"],
            update_fields=["committed_seq", "skipped_samples", "updated_at"],
        )
        _store_above(marks, above, stored)


_Marks = dict[tuple[int, str], IngestEpoch]
_Above = dict[tuple[int, str], set[int]]


def _locked_marks(epochs: Collection[tuple[int, str]]) -> _Marks:
    """All in one order: two workers that lock the same marks never wait for each other."""
    found = _rows(IngestEpoch.objects.select_for_update(), epochs).order_by("pk")
    marks = {(mark.host_id, mark.epoch): mark for mark in found}
    if len(marks) == len(epochs):
        return marks
    new = [IngestEpoch(host_id=host, epoch=epoch) for host, epoch in sorted(set(epochs) - marks.keys())]
    IngestEpoch.objects.bulk_create(new, ignore_conflicts=True)
    return _locked_marks(epochs)


def _done_above(epochs: Collection[tuple[int, str]]) -> _Above:
    above: _Above = {key: set() for key in epochs}
    for host, epoch, seq in _rows(BatchPart.objects.all(), epochs).values_list("host_id", "epoch", "seq"):
        above[host, epoch].add(seq)
    return above


def _advance(mark: IngestEpoch, part: Part, above: set[int]) -> None:
    above.add(part.seq)
    progress = advance(mark.committed_seq, above, part.oldest_seq)
    IngestGap.objects.bulk_create(
        IngestGap(host_id=part.host_id, epoch=part.epoch, first_seq=first, last_seq=last)
        for first, last in progress.gaps
    )
    mark.committed_seq = progress.committed
    mark.skipped_samples += part.skipped


def _store_above(marks: _Marks, above: _Above, stored: _Above) -> None:
    """Above its mark each batch that is done has a row; below it none is needed."""
    new = [
        BatchPart(host_id=host, epoch=epoch, seq=seq)
        for (host, epoch), seqs in above.items()
        for seq in sorted(seqs - stored[host, epoch])
        if seq > marks[host, epoch].committed_seq
    ]
    BatchPart.objects.bulk_create(new)
    for (host, epoch), seqs in stored.items():
        done = marks[host, epoch].committed_seq
        if any(seq <= done for seq in seqs):
            BatchPart.objects.filter(host_id=host, epoch=epoch, seq__lte=done).delete()


def _rows(rows: QuerySet[_M], epochs: Collection[tuple[int, str]]) -> QuerySet[_M]:
    """The rows of these epochs. An epoch is a random number: that two hosts have the same happens only in tests."""
    pairs = set(epochs)
    hosts, names = {host for host, _ in pairs}, {epoch for _, epoch in pairs}
    chosen = rows.filter(host_id__in=hosts, epoch__in=names)
    if len(hosts) * len(names) == len(pairs):
        return chosen
    return chosen.filter(reduce(or_, (Q(host_id=host, epoch=epoch) for host, epoch in pairs)))


def quarantine(host_id: int, epoch: str, seq: int, oldest_seq: int, error: str, payload: bytes) -> None:
    """Keep a batch that cannot be written beside its error, and count it as done so that others pass."""
    finish(
        [Part(host_id, epoch, seq, oldest_seq, lambda: keep_unreadable(host_id, epoch, seq, error, payload))]
    )


def keep_unreadable(host_id: int, epoch: str, seq: int | None, error: str, payload: bytes) -> None:
    """Put bytes into the quarantine; `seq` is None when they do not even say which batch they are."""
    with transaction.atomic():
        QuarantinedBatch.objects.create(
            host_id=host_id, epoch=epoch, seq=seq, error=error, payload=payload[:_QUARANTINE_BYTES]
        )
        rows = QuarantinedBatch.objects.filter(host_id=host_id)
        old = rows.order_by("-id").values_list("id", flat=True)[_QUARANTINE_ROWS:]
        rows.filter(pk__in=list(old)).delete()
