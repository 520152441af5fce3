"""Diagnosis reports as they were made: a report stays as it was read, however the findings go on."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import models

from diagnose.models.capture import new_ulid


class Report(models.Model):
    """One report on a host, a service or the fleet. `document` is `diagnose.reports.diagnosis.document.Document`."""

    id = models.CharField(primary_key=True, max_length=26, default=new_ulid)
    title = models.CharField(max_length=400)
    host = models.ForeignKey(
        "diagnose.Host", null=True, blank=True, on_delete=models.SET_NULL, related_name="reports"
    )
    service = models.CharField(max_length=300, blank=True)
    window_from = models.DateTimeField()
    window_to = models.DateTimeField()
    made_at = models.DateTimeField(auto_now_add=True)
    made_by = models.CharField(max_length=200)
    weekly = models.BooleanField(default=False, help_text="Made by the schedule, one a week.")
    causes = models.PositiveIntegerField(help_text="How many root causes it has.")
    document: models.JSONField[dict[str, Any]] = models.JSONField()

    class Meta:
        ordering: ClassVar = ["-made_at", "-id"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["window_from"], condition=models.Q(weekly=True), name="one_weekly_report"
            )
        ]

    def __str__(self) -> str:
        return self.title
