"""The dictionary of series: a small number for each (host, metric, labels), used as key by the metric store."""

from __future__ import annotations

from typing import ClassVar

from django.db import models


class Series(models.Model):
    """`digest` is the SHA-256 (first 32 hex digits) of metric and sorted labels."""

    host = models.ForeignKey("diagnose.Host", on_delete=models.CASCADE, related_name="series")
    metric = models.CharField(max_length=120)
    labels: models.JSONField[dict[str, str]] = models.JSONField(default=dict)
    counter = models.BooleanField(default=False, help_text="Values are increases since the reading before.")
    digest = models.CharField(max_length=32)
    retired_at = models.DateTimeField(
        null=True,
        blank=True,
        help_text="Since when no stored day holds a reading of it; writers take it back.",
    )

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["host", "digest"], name="series_once")]
        indexes: ClassVar = [models.Index(fields=["host", "metric"]), models.Index(fields=["metric"])]

    def __str__(self) -> str:
        inside = ",".join(f'{key}="{value}"' for key, value in sorted(self.labels.items()))
        return f"{self.metric}{{{inside}}}"
