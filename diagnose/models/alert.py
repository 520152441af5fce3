"""Where people are told of findings, and what was told."""

from __future__ import annotations

from typing import ClassVar

from django.db import models


class AlertChannel(models.Model):
    """A place to tell of findings, with which ones. `settings` by the channel's kind; its secrets are sealed."""

    name = models.CharField(max_length=120, unique=True)
    kind = models.CharField(max_length=20)
    settings: models.JSONField[dict[str, str]] = models.JSONField(default=dict)
    enabled = models.BooleanField(default=True)
    least_confidence = models.FloatField(default=0.6)
    least_impact = models.FloatField(default=0.0)
    rules = models.CharField(max_length=500, blank=True, help_text="Patterns such as network.*; empty: all.")
    hosts = models.CharField(max_length=500, blank=True, help_text="Patterns such as web-*; empty: all.")
    services = models.CharField(max_length=500, blank=True, help_text="Patterns; empty: all.")
    tell_resolved = models.BooleanField(default=True)
    repeat_hours = models.PositiveIntegerField(default=0, help_text="Tell again while it lasts; 0: once.")
    quiet_from = models.TimeField(null=True, blank=True, help_text="UTC; what opens in quiet hours waits.")
    quiet_to = models.TimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering: ClassVar = ["name"]

    def __str__(self) -> str:
        return self.name


class AlertDelivery(models.Model):
    """One thing to tell on one channel. Kept for a month: what was sent, when, and what went wrong."""

    class State(models.TextChoices):
        WAITING = "waiting"
        SENT = "sent"
        FAILED = "failed"

    class Kind(models.TextChoices):
        OPENED = "opened"
        RESOLVED = "resolved"
        TEST = "test"

    channel = models.ForeignKey(AlertChannel, on_delete=models.CASCADE, related_name="deliveries")
    finding = models.ForeignKey(
        "diagnose.Finding", null=True, blank=True, on_delete=models.CASCADE, related_name="deliveries"
    )
    kind = models.CharField(max_length=10, choices=Kind.choices)
    episode_at = models.DateTimeField(
        help_text="When the finding opened or came back: each time is told once."
    )
    state = models.CharField(max_length=10, choices=State.choices, default=State.WAITING)
    attempts = models.PositiveIntegerField(default=0)
    due_at = models.DateTimeField()
    created_at = models.DateTimeField(auto_now_add=True)
    sent_at = models.DateTimeField(null=True, blank=True)
    times_sent = models.PositiveIntegerField(default=0)
    error = models.TextField(blank=True)

    class Meta:
        ordering: ClassVar = ["-id"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["channel", "finding", "kind", "episode_at"],
                condition=models.Q(finding__isnull=False),
                name="told_once",
            )
        ]
        indexes: ClassVar = [models.Index(fields=["state", "due_at"])]

    def __str__(self) -> str:
        return f"{self.kind} to {self.channel}: {self.state}"
