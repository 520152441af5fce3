"""Users with one of three roles, hashed tokens, one-time sign-in links and the audit log."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib.auth.models import AbstractUser
from django.db import models


class Role(models.TextChoices):
    """Ordered: each role may do all that the ones before it may."""

    VIEWER = "viewer", "Viewer: sees everything"
    OPERATOR = "operator", "Operator: also captures profiles and acts on findings"
    ADMIN = "admin", "Admin: also manages users, tokens and hosts"


class User(AbstractUser):
    """A person who signs in."""

    role = models.CharField(max_length=16, choices=Role.choices, default=Role.VIEWER)


class Token(models.Model):
    """A bearer token. Only its SHA-256 is kept; `prefix` lets people recognise it in lists."""

    class Kind(models.TextChoices):
        HOST = "host"
        USER = "user"
        SHARE = "share"
        ENROLL = "enroll"

    kind = models.CharField(max_length=8, choices=Kind.choices)
    digest = models.CharField(max_length=64, unique=True)
    prefix = models.CharField(max_length=12)
    label = models.CharField(max_length=200, blank=True)
    scopes: models.JSONField[list[str]] = models.JSONField(default=list)
    user = models.ForeignKey(User, null=True, blank=True, on_delete=models.CASCADE, related_name="tokens")
    host = models.ForeignKey(
        "diagnose.Host", null=True, blank=True, on_delete=models.CASCADE, related_name="tokens"
    )
    hosts_left = models.PositiveIntegerField(
        null=True,
        blank=True,
        help_text="Of an enrolment token: how many more hosts it lets in; empty: any number.",
    )
    enrolled_with = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.SET_NULL, related_name="hosts_let_in"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"{self.kind} token {self.prefix}…"


class SignInLink(models.Model):
    """A one-time link for a user; only the hash of its secret is kept."""

    user = models.ForeignKey(User, on_delete=models.CASCADE)
    digest = models.CharField(max_length=64, unique=True)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"sign-in link of {self.user}"


class AuditEntry(models.Model):
    """Who did what to what, when. Append-only: changing or deleting an entry is refused."""

    at = models.DateTimeField(auto_now_add=True)
    actor = models.CharField(max_length=200)
    action = models.CharField(max_length=80)
    subject = models.CharField(max_length=300, blank=True)
    detail: models.JSONField[dict[str, Any]] = models.JSONField(default=dict)
    address = models.GenericIPAddressField(null=True, blank=True)

    class Meta:
        ordering: ClassVar = ["-id"]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M:%S} {self.actor} {self.action} {self.subject}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        if self.pk is not None:
            raise PermissionError("an audit entry cannot be changed")
        super().save(*args, **kwargs)

    def delete(self, *_args: Any, **_kwargs: Any) -> tuple[int, dict[str, int]]:
        raise PermissionError("an audit entry cannot be deleted")
