"""Changes of hosts and services at known times, and the findings near which they lie."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from diagnose.models.capture import new_ulid


class Change(models.Model):
    """Something that was different from then on; seen by a collector, or declared by a person or a pipeline."""

    class Kind(models.TextChoices):
        SETTING = "setting", "kernel or device setting"
        LIMIT = "limit", "limit of a service"
        CONFIGURATION = "configuration", "how a service is started"
        SOFTWARE = "software", "kernel, system, runtime or package"
        VERSION = "version", "version of a service"
        RESTART = "restart", "start of a service or a host"
        HARDWARE = "hardware", "size of the machine"
        DEPLOY = "deploy", "declared deployment"
        OTHER = "other", "declared"

    class Origin(models.TextChoices):
        DETECTED = "detected"
        DECLARED = "declared"

    id = models.CharField(primary_key=True, max_length=26, default=new_ulid)
    host = models.ForeignKey(
        "diagnose.Host",
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="changes",
        help_text="Empty: all hosts (declared changes only).",
    )
    service = models.CharField(max_length=300, blank=True, help_text="Empty: the whole host.")
    kind = models.CharField(max_length=16, choices=Kind.choices)
    name = models.CharField(max_length=300, help_text="Of the fact, or what was declared to have changed.")
    before = models.TextField(blank=True)
    after = models.TextField(blank=True)
    at = models.DateTimeField(help_text="When it was first read so: facts are read up to a minute apart.")
    origin = models.CharField(max_length=8, choices=Origin.choices, default=Origin.DETECTED)
    actor = models.CharField(max_length=200, blank=True, help_text="Who declared it.")
    text = models.TextField(blank=True, help_text="What they wrote about it.")
    findings = models.ManyToManyField("diagnose.Finding", through="ChangeLink", related_name="changes")

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["host", "name", "at"], name="change_once")]
        indexes: ClassVar = [models.Index(fields=["host", "at"]), models.Index(fields=["at"])]

    def __str__(self) -> str:
        return f"{self.name}: {self.before or '(unset)'} → {self.after or '(unset)'}"


class ChangeLink(models.Model):
    """A change close to a finding in time: shortly before its trouble began, or while it lasted."""

    class Relation(models.TextChoices):
        BEFORE = "before", "may have caused it"
        DURING = "during", "may have changed it"

    change = models.ForeignKey(Change, on_delete=models.CASCADE, related_name="links")
    finding = models.ForeignKey("diagnose.Finding", on_delete=models.CASCADE, related_name="change_links")
    relation = models.CharField(max_length=6, choices=Relation.choices)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["change", "finding"], name="change_linked_once")
        ]
        ordering: ClassVar = ["change__at", "id"]

    def __str__(self) -> str:
        return f"{self.change_id} {self.relation} {self.finding_id}"
