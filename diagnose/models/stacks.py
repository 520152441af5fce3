"""Services and the dictionaries of their frames and stacks; profiles refer to stacks by dense numbers."""

from __future__ import annotations

from typing import ClassVar

from django.db import models


class Service(models.Model):
    """What is profiled under one name, on any number of hosts."""

    name = models.CharField(max_length=300, unique=True)
    first_seen_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering: ClassVar = ["name"]

    def __str__(self) -> str:
        return self.name


class Frame(models.Model):
    """One source position of a service. `number` is dense per service, from 0."""

    service = models.ForeignKey(Service, on_delete=models.CASCADE, related_name="frames")
    number = models.PositiveIntegerField()
    name = models.TextField()
    file = models.TextField(blank=True)
    line = models.PositiveIntegerField(default=0)
    module = models.TextField(blank=True)
    digest = models.BinaryField(max_length=16)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["service", "number"], name="frame_number_once"),
            models.UniqueConstraint(fields=["service", "digest"], name="frame_once"),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.file}:{self.line})"


class Stack(models.Model):
    """One call stack in one (named) thread: `frames` is a little-endian uint32 array of frame numbers, root first."""

    service = models.ForeignKey(Service, on_delete=models.CASCADE, related_name="stacks")
    number = models.PositiveIntegerField()
    thread = models.CharField(max_length=200, blank=True)
    frames = models.BinaryField()
    digest = models.BinaryField(max_length=16)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["service", "number"], name="stack_number_once"),
            models.UniqueConstraint(fields=["service", "digest"], name="stack_once"),
        ]

    def __str__(self) -> str:
        return f"stack {self.number} of {self.service}"
