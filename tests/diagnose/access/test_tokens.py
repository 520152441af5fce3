"""Tokens: shown once, kept hashed, refused when unknown, revoked, expired or of an inactive user."""

from __future__ import annotations

import time
from datetime import timedelta

import pytest
from django.utils import timezone

from diagnose.access import tokens
from diagnose.access.problems import Problem
from diagnose.models import Token


def test_a_token_is_kept_only_as_a_hash(admin):
    secret = tokens.issue(Token.Kind.USER, user=admin)
    token = Token.objects.get()
    assert secret not in {token.digest, token.prefix, token.label}
    assert secret.startswith(token.prefix)
    assert len(token.prefix) < len(secret) / 3


def test_a_secret_leads_back_to_its_token_and_notes_the_use(host, host_token):
    token = tokens.authenticate(host_token)
    assert token.host == host
    assert Token.objects.get().last_used_at is not None


@pytest.mark.django_db
def test_an_unknown_secret_is_refused_without_repeating_it():
    with pytest.raises(Problem, match="not known") as caught:
        tokens.authenticate("dgu_0123456789abcdefghijklmnop")
    assert caught.value.status == 401
    assert "dgu_0123456789abcdefghijklmnop" not in caught.value.detail


def test_a_revoked_token_is_refused_with_the_time_it_was_revoked(host_token):
    tokens.revoke(Token.objects.get())
    with pytest.raises(Problem, match="was revoked on"):
        tokens.authenticate(host_token)


def test_an_expired_token_is_refused(admin):
    secret = tokens.issue(Token.Kind.USER, user=admin, lifetime=timedelta(seconds=-1))
    with pytest.raises(Problem, match="expired on"):
        tokens.authenticate(secret)


def test_the_token_of_an_inactive_user_is_refused(admin):
    secret = tokens.issue(Token.Kind.USER, user=admin)
    admin.is_active = False
    admin.save()
    with pytest.raises(Problem, match="not active"):
        tokens.authenticate(secret)


def test_a_token_revoked_by_another_process_is_refused_within_seconds(host_token, monkeypatch):
    token = tokens.authenticate(host_token)
    Token.objects.filter(pk=token.pk).update(revoked_at=timezone.now())
    later = time.monotonic() + 5.1
    monkeypatch.setattr(tokens.time, "monotonic", lambda: later)
    with pytest.raises(Problem, match="was revoked on"):
        tokens.authenticate(host_token)
