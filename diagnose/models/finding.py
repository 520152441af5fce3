"""Findings as they are kept: identity and lifecycle in columns, the rest of the verdict as JSON in the API's form."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

from django.db import models

from diagnose.models.capture import new_ulid


class Finding(models.Model):
    """One trouble of one subject from when it was opened until it was closed."""

    class State(models.TextChoices):
        OPEN = "open"
        RESOLVED = "resolved"
        MUTED = "muted"

    id = models.CharField(primary_key=True, max_length=26, default=new_ulid)
    host = models.ForeignKey("diagnose.Host", on_delete=models.CASCADE, related_name="findings")
    rule = models.CharField(max_length=80)
    service = models.CharField(max_length=300, blank=True)
    subject_key = models.CharField(
        max_length=500, help_text="What makes two verdicts the same finding, with rule and host."
    )
    state = models.CharField(max_length=10, choices=State.choices, default=State.OPEN)
    headline = models.TextField()
    confidence = models.FloatField()
    impact_share = models.FloatField()
    rank = models.PositiveIntegerField(
        default=0, help_text="1 is the worst open root cause; 0 when not open."
    )
    opened_at = models.DateTimeField()
    reopened_at = models.DateTimeField(null=True, blank=True, help_text="When the trouble last came back.")
    episodes: models.JSONField[list[dict[str, str]]] = models.JSONField(
        default=list, help_text="Earlier times of the same trouble, each with ISO 8601 `from` and `to`."
    )
    last_seen_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True, blank=True)
    quiet_since = models.DateTimeField(
        null=True,
        blank=True,
        help_text="End of the first window, since it was last seen, that did not show it.",
    )
    window_from = models.DateTimeField()
    window_to = models.DateTimeField()
    explained_by = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.SET_NULL, related_name="explains"
    )
    muted_until = models.DateTimeField(null=True, blank=True)
    acknowledged_by = models.CharField(max_length=200, blank=True)
    acknowledged_at = models.DateTimeField(null=True, blank=True)
    applied_at = models.DateTimeField(null=True, blank=True)
    verified_at = models.DateTimeField(null=True, blank=True, help_text="When the change was last judged.")
    verification: models.JSONField[dict[str, Any] | None] = models.JSONField(
        null=True, blank=True, help_text="Whether the change at `applied_at` helped; see the API's finding."
    )
    # subject, impact, evidence, ruled_out, unknown, recommendations, will_not_help, calibrated: see the API's finding.
    detail: models.JSONField[dict[str, Any]] = models.JSONField(default=dict)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["host", "rule", "subject_key"],
                condition=models.Q(closed_at=None),
                name="one_open_finding",
            )
        ]
        indexes: ClassVar = [
            models.Index(fields=["state", "-last_seen_at"]),
            models.Index(fields=["host", "opened_at"]),
        ]

    def __str__(self) -> str:
        return f"{self.rule} on {self.host}: {self.headline}"

    @property
    def since(self) -> datetime:
        """When it was opened, or came back."""
        return self.reopened_at or self.opened_at


class FindingNote(models.Model):
    """History of a finding: acknowledged, muted, applied, feedback; with who and why."""

    finding = models.ForeignKey(Finding, on_delete=models.CASCADE, related_name="notes")
    at = models.DateTimeField(auto_now_add=True)
    actor = models.CharField(max_length=200)
    kind = models.CharField(max_length=20)
    text = models.TextField(blank=True)

    class Meta:
        ordering: ClassVar = ["at"]

    def __str__(self) -> str:
        return f"{self.kind} by {self.actor}"
