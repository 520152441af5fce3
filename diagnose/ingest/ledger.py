"""Which batches are done, in the main database: the mark, the gaps and the quarantine move in one transaction.

This is the last part of a batch to be written, so whatever is at or below the mark is in its day files.
"""

from __future__ import annotations

from collections.abc import Callable

from django.db import transaction
from django.db.models import F

from diagnose.ingest.sequence import advance
from diagnose.models import BatchPart, IngestEpoch, IngestGap, QuarantinedBatch

# Enough to see what is wrong with a collector without letting it fill the database.
_QUARANTINE_ROWS = 50
_QUARANTINE_BYTES = 256 * 1024


def committed_seq(host_id: int, epoch: str) -> int:
    """The highest sequence number up to which all are done; 0 for an epoch never seen."""
    marks = IngestEpoch.objects.filter(host_id=host_id, epoch=epoch)
    return marks.values_list("committed_seq", flat=True).first() or 0


def finish(
    host_id: int, epoch: str, seq: int, oldest_seq: int, apply: Callable[[], None], skipped: int = 0
) -> bool:
    """Run `apply` and mark the batch as done, in one transaction; False when it was done already."""
    with transaction.atomic():
        mark, _ = IngestEpoch.objects.select_for_update().get_or_create(host_id=host_id, epoch=epoch)
        parts = BatchPart.objects.filter(host_id=host_id, epoch=epoch)
        above = set(parts.values_list("seq", flat=True))
        if seq <= mark.committed_seq or seq in above:
            return False
        apply()
        progress = advance(mark.committed_seq, above | {seq}, oldest_seq)
        IngestGap.objects.bulk_create(
            IngestGap(host_id=host_id, epoch=epoch, first_seq=first, last_seq=last)
            for first, last in progress.gaps
        )
        if seq > progress.committed:
            BatchPart.objects.create(host_id=host_id, epoch=epoch, seq=seq)
        if above:
            parts.filter(seq__lte=progress.committed).delete()
        IngestEpoch.objects.filter(pk=mark.pk).update(
            committed_seq=progress.committed, skipped_samples=F("skipped_samples") + skipped
        )
    return True


def quarantine(host_id: int, epoch: str, seq: int, oldest_seq: int, error: str, payload: bytes) -> bool:
    """Keep a batch that cannot be written beside its error, and count it as done so that others pass."""
    return finish(
        host_id, epoch, seq, oldest_seq, lambda: keep_unreadable(host_id, epoch, seq, error, payload)
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
