"""Which batches are committed, which were lost by the collector, and which could not be read."""

from __future__ import annotations

from typing import ClassVar

from django.db import models


class IngestEpoch(models.Model):
    """High-water mark of one collector's spool: every sequence number up to `committed_seq` is done."""

    host = models.ForeignKey("diagnose.Host", on_delete=models.CASCADE, related_name="epochs")
    epoch = models.CharField(max_length=16)
    committed_seq = models.BigIntegerField(default=0)
    skipped_samples = models.BigIntegerField(
        default=0, help_text="Samples of kinds this server does not know."
    )
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["host", "epoch"], name="ingest_epoch_once")]

    def __str__(self) -> str:
        return f"{self.host} {self.epoch} up to {self.committed_seq}"


class BatchPart(models.Model):
    """A batch above the high-water mark whose main-database part is written; pruned as the mark moves over it."""

    host = models.ForeignKey("diagnose.Host", on_delete=models.CASCADE)
    epoch = models.CharField(max_length=16)
    seq = models.BigIntegerField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["host", "epoch", "seq"], name="batch_part_once")
        ]

    def __str__(self) -> str:
        return f"{self.epoch}/{self.seq}"


class IngestGap(models.Model):
    """Batches that the collector's bounded spool had to drop before they could be sent; both ends inclusive."""

    host = models.ForeignKey("diagnose.Host", on_delete=models.CASCADE, related_name="gaps")
    epoch = models.CharField(max_length=16)
    first_seq = models.BigIntegerField()
    last_seq = models.BigIntegerField()
    declared_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"{self.epoch} lost {self.first_seq}–{self.last_seq}"


class QuarantinedBatch(models.Model):
    """A batch that could not be read or written, kept with its error so that it does not block those behind it."""

    host = models.ForeignKey("diagnose.Host", on_delete=models.CASCADE, related_name="quarantined")
    epoch = models.CharField(max_length=16, blank=True)
    seq = models.BigIntegerField(null=True)
    error = models.TextField()
    payload = models.BinaryField()
    received_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        indexes: ClassVar = [models.Index(fields=["host", "epoch", "seq"])]

    def __str__(self) -> str:
        return f"{self.epoch}/{self.seq}: {self.error}"
