"""A profile that somebody brought as a file; its bytes lie in DATA_DIR/uploads."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from diagnose.models.capture import new_ulid


class Upload(models.Model):
    """`values` names what its samples count, what is shown first ahead."""

    id = models.CharField(primary_key=True, max_length=26, default=new_ulid)
    name = models.CharField(max_length=200)
    format = models.CharField(max_length=20)
    values: models.JSONField[list[str]] = models.JSONField(default=list)
    bytes = models.PositiveBigIntegerField()
    uploaded_by = models.CharField(max_length=200)
    uploaded_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering: ClassVar = ["-uploaded_at"]

    def __str__(self) -> str:
        return f"{self.name} ({self.format}), brought by {self.uploaded_by}"
