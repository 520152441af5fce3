"""Experiments as they are kept: two selections of readings, what was attached, and what came of it."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import models

from diagnose.models.capture import new_ulid

Selection = dict[str, Any]


class Experiment(models.Model):
    """A comparison that somebody asked for. `result` is in the API's form, computed when it was made or added to."""

    id = models.CharField(primary_key=True, max_length=26, default=new_ulid)
    title = models.CharField(max_length=200)
    created_at = models.DateTimeField(auto_now_add=True)
    created_by = models.CharField(max_length=200)
    # host_id, service, from, to
    before: models.JSONField[Selection] = models.JSONField()
    after: models.JSONField[Selection] = models.JSONField()
    # measure, at_most
    gates: models.JSONField[list[dict[str, Any]]] = models.JSONField(default=list)
    # side, name, and the test's figures
    load_tests: models.JSONField[list[dict[str, Any]]] = models.JSONField(default=list)
    result: models.JSONField[dict[str, Any]] = models.JSONField(default=dict)

    class Meta:
        ordering: ClassVar = ["-created_at", "-id"]

    def __str__(self) -> str:
        return self.title
