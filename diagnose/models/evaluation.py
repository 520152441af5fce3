"""What of a host could not be checked when it was last evaluated."""

from __future__ import annotations

from django.db import models


class HostEvaluation(models.Model):
    """The last of a host. A rule that lacks a reading is unknown, never passed: that is a result, and shown."""

    host = models.OneToOneField("diagnose.Host", on_delete=models.CASCADE, related_name="evaluation")
    at = models.DateTimeField(help_text="End of the window.")
    checked = models.PositiveIntegerField(help_text="Rules that could be checked.")
    unknown: models.JSONField[list[dict[str, str]]] = models.JSONField(
        default=list, help_text="Those that could not: `what` and `why`."
    )

    def __str__(self) -> str:
        return f"{self.host} at {self.at}: {self.checked} checked, {len(self.unknown)} not"
