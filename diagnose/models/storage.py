"""What retention has dropped, so that a hole in the data can be explained."""

from __future__ import annotations

from typing import ClassVar

from django.db import models


class DroppedDay(models.Model):
    """One class of one day (UTC) that is no longer there."""

    class Reason(models.TextChoices):
        AGE = "age", "past its retention"
        BUDGET = "budget", "to stay within DISK_BUDGET"
        DISK = "disk", "because the disk was nearly full"

    kind = models.CharField(max_length=16)
    day = models.DateField()
    bytes = models.BigIntegerField()
    reason = models.CharField(max_length=8, choices=Reason.choices)
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering: ClassVar = ["-at", "-id"]
        indexes: ClassVar = [models.Index(fields=["-at"])]

    def __str__(self) -> str:
        return f"{self.kind} of {self.day}, {self.get_reason_display()}"
