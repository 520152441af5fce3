"""An on-demand profile: who asked for what, how it goes, and where its result is."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from ulid import ULID


def new_ulid() -> str:
    """26 characters that sort by time."""
    return str(ULID())


class Capture(models.Model):
    """The state moves waiting → queued → sent → running → done, or ends in another of the last five."""

    class State(models.TextChoices):
        WAITING = "waiting", "waits for others of its host to end"
        QUEUED = "queued"
        SENT = "sent"
        RUNNING = "running"
        DONE = "done"
        FAILED = "failed"
        REFUSED = "refused", "the owner of the host does not allow it"
        CANCELLED = "cancelled"
        EXPIRED = "expired"

    id = models.CharField(primary_key=True, max_length=26, default=new_ulid)
    host = models.ForeignKey("diagnose.Host", on_delete=models.CASCADE, related_name="captures")
    group = models.CharField(
        max_length=26, blank=True, db_index=True, help_text="Shared by those that one request asked for."
    )
    pid = models.PositiveIntegerField(null=True, blank=True)
    service = models.CharField(max_length=300, blank=True)
    cgroup = models.CharField(max_length=500, blank=True)
    container = models.CharField(max_length=100, blank=True)
    kind = models.CharField(max_length=16, default="python_cpu")
    seconds = models.FloatField()
    hz = models.PositiveIntegerField()
    reason = models.CharField(max_length=500, blank=True)
    requested_by = models.CharField(max_length=200)
    state = models.CharField(max_length=10, choices=State.choices, default=State.QUEUED)
    progress = models.FloatField(default=0)
    message = models.TextField(blank=True)
    samples = models.PositiveBigIntegerField(default=0)
    partial = models.BooleanField(default=False, help_text="The result is less than what was asked for.")
    requested_at = models.DateTimeField(auto_now_add=True)
    queued_at = models.DateTimeField(
        null=True, blank=True, help_text="When its command was put where the collector waits."
    )
    started_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    heard_at = models.DateTimeField(
        null=True, blank=True, help_text="When its collector last reported on it; silence ends the capture."
    )
    # Where the result is: what a flame graph query needs to find exactly this capture's profiles.
    result_service = models.CharField(max_length=300, blank=True)
    result_types: models.JSONField[list[str]] = models.JSONField(default=list, blank=True)
    result_from_ns = models.BigIntegerField(null=True, blank=True)
    result_to_ns = models.BigIntegerField(null=True, blank=True)

    class Meta:
        ordering: ClassVar = ["-requested_at"]
        indexes: ClassVar = [models.Index(fields=["host", "-requested_at"])]

    def __str__(self) -> str:
        return f"{self.kind} capture {self.id} on {self.host}: {self.state}"

    @property
    def has_profile(self) -> bool:
        """Whether a flame graph can be made of it."""
        return self.result_from_ns is not None


class CaptureFile(models.Model):
    """What a capture gave beside stacks; the content lies in DATA_DIR/captures."""

    capture = models.ForeignKey(Capture, on_delete=models.CASCADE, related_name="files")
    name = models.CharField(max_length=80)
    bytes = models.PositiveBigIntegerField()
    kept_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering: ClassVar = ["name"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["capture", "name"], name="capture_file_once")
        ]

    def __str__(self) -> str:
        return f"{self.name} of capture {self.capture_id}, {self.bytes} bytes"

    @property
    def url(self) -> str:
        """Where the API hands it out."""
        return f"/api/v1/captures/{self.capture_id}/files/{self.name}"
