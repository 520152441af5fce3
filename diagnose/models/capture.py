"""An on-demand profile: who asked for what, how it goes, and where its result is."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from ulid import ULID


def new_ulid() -> str:
    """26 characters that sort by time."""
    return str(ULID())


class Capture(models.Model):
    """The state moves queued → sent → running → done, or ends in failed, cancelled or expired."""

    class State(models.TextChoices):
        QUEUED = "queued"
        SENT = "sent"
        RUNNING = "running"
        DONE = "done"
        FAILED = "failed"
        CANCELLED = "cancelled"
        EXPIRED = "expired"

    id = models.CharField(primary_key=True, max_length=26, default=new_ulid)
    host = models.ForeignKey("diagnose.Host", on_delete=models.CASCADE, related_name="captures")
    pid = models.PositiveIntegerField(null=True, blank=True)
    service = models.CharField(max_length=300, blank=True)
    cgroup = models.CharField(max_length=500, blank=True)
    kind = models.CharField(max_length=16, default="cpu")
    seconds = models.FloatField()
    hz = models.PositiveIntegerField()
    reason = models.CharField(max_length=500, blank=True)
    requested_by = models.CharField(max_length=200)
    state = models.CharField(max_length=10, choices=State.choices, default=State.QUEUED)
    progress = models.FloatField(default=0)
    message = models.TextField(blank=True)
    samples = models.PositiveIntegerField(default=0)
    requested_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    heard_at = models.DateTimeField(
        null=True, blank=True, help_text="When its collector last reported on it; silence ends the capture."
    )
    # Where the result is: what a flame graph query needs to find exactly this capture's profile.
    result_service = models.CharField(max_length=300, blank=True)
    result_from_ns = models.BigIntegerField(null=True, blank=True)
    result_to_ns = models.BigIntegerField(null=True, blank=True)

    class Meta:
        ordering: ClassVar = ["-requested_at"]
        indexes: ClassVar = [models.Index(fields=["host", "-requested_at"])]

    def __str__(self) -> str:
        return f"{self.kind} capture {self.id} on {self.host}: {self.state}"
