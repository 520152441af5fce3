"""How long each resource of a host lasts: one row a resource, made anew every minute."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import models


class ResourceForecast(models.Model):
    """The level now, its growth with an interval, and when the limit is reached at that; see `correlate.forecast`."""

    class State(models.TextChoices):
        FILLS = "fills"
        STEADY = "steady"
        RETURNS = "returns", "comes back by itself"
        LEVELS_OFF = "levels off"
        TOO_EARLY = "too early", "too early to say"

    host = models.ForeignKey("diagnose.Host", on_delete=models.CASCADE, related_name="forecasts")
    resource = models.CharField(max_length=30, help_text="A name in `correlate.resources`.")
    labels: models.JSONField[dict[str, str]] = models.JSONField(default=dict)
    state = models.CharField(max_length=12, choices=State.choices)
    level = models.FloatField()
    limit = models.FloatField()
    per_second = models.FloatField()
    slowest = models.FloatField()
    fastest = models.FloatField()
    seconds = models.FloatField(null=True, help_text="From `at` to the limit.")
    soonest = models.FloatField(null=True)
    latest = models.FloatField(null=True)
    at = models.DateTimeField()

    class Meta:
        indexes: ClassVar[Any] = [models.Index(fields=["host", "seconds"])]

    def __str__(self) -> str:
        return f"{self.resource} of {self.host}: {self.level} of {self.limit}"
