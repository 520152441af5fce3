"""A monitored host, what is known of it, and how its probes fare."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils import timezone


class Host(models.Model):
    """One collector's identity. `identity` is made at enrolment and never changes; `name` is for people."""

    identity = models.CharField(max_length=64, unique=True)
    name = models.CharField(max_length=253)
    agent = models.CharField(max_length=40, blank=True)
    enrolled_at = models.DateTimeField(auto_now_add=True)
    last_seen_at = models.DateTimeField(null=True, blank=True)
    clock_skew_seconds = models.FloatField(null=True, blank=True, help_text="Host clock minus server clock.")

    class Meta:
        ordering: ClassVar = ["name"]

    def __str__(self) -> str:
        return self.name


class ProbeState(models.Model):
    """The last status of one probe on one host."""

    host = models.ForeignKey(Host, on_delete=models.CASCADE, related_name="probes")
    probe = models.CharField(max_length=80)
    ok = models.BooleanField()
    reason = models.TextField(blank=True)
    seconds = models.FloatField(default=0)
    bytes = models.BigIntegerField(default=0)
    updated_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["host", "probe"], name="probe_state_once")]

    def __str__(self) -> str:
        return f"{self.probe} on {self.host}: {'ok' if self.ok else self.reason}"


class Fact(models.Model):
    """The current value of a slowly changing reading of a host, and since when it holds."""

    host = models.ForeignKey(Host, on_delete=models.CASCADE, related_name="facts")
    name = models.CharField(max_length=200)
    value = models.TextField()
    since = models.DateTimeField()
    first_at = models.DateTimeField(default=timezone.now, help_text="Of the first reading.")
    read_at = models.DateTimeField(default=timezone.now, help_text="Of the last reading.")

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["host", "name"], name="fact_once")]

    def __str__(self) -> str:
        return f"{self.name} = {self.value}"


class FactChange(models.Model):
    """A fact that took another value at a known time."""

    host = models.ForeignKey(Host, on_delete=models.CASCADE, related_name="fact_changes")
    name = models.CharField(max_length=200)
    before = models.TextField()
    after = models.TextField()
    at = models.DateTimeField()
    followed = models.BooleanField(default=False, help_text="Whether `diagnose.changes` has seen it.")

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["host", "name", "at"], name="fact_change_once")
        ]
        indexes: ClassVar = [
            models.Index(fields=["host", "at"]),
            models.Index(fields=["id"], condition=models.Q(followed=False), name="fact_change_to_follow"),
        ]

    def __str__(self) -> str:
        return f"{self.name}: {self.before} -> {self.after}"


class HostEvent(models.Model):
    """Something that happened on a host, as its collector told it."""

    host = models.ForeignKey(Host, on_delete=models.CASCADE, related_name="events")
    kind = models.CharField(max_length=80)
    at = models.DateTimeField()
    fields: models.JSONField[dict[str, str]] = models.JSONField(default=dict)

    class Meta:
        indexes: ClassVar = [models.Index(fields=["host", "at"])]

    def __str__(self) -> str:
        return f"{self.kind} at {self.at}"
