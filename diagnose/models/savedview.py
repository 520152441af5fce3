"""What a person keeps of the Series explorer."""

from __future__ import annotations

from typing import ClassVar

from django.db import models


class SavedView(models.Model):
    """`address` is the query of the page's address, without the question mark."""

    LONGEST: ClassVar = 4000

    owner = models.ForeignKey("diagnose.User", on_delete=models.CASCADE, related_name="views")
    name = models.CharField(max_length=80)
    address = models.TextField()

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["owner", "name"], name="view_once")]

    def __str__(self) -> str:
        return self.name
