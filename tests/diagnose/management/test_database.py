"""A database that cannot be used: one line that says why, and the remedy."""

from __future__ import annotations

import pytest
from django.db import NotSupportedError, OperationalError, connection

from diagnose.management.database import version, why_unusable


def test_a_server_that_is_too_old_is_told_from_one_that_is_away(monkeypatch):
    found, remedy = why_unusable(NotSupportedError("PostgreSQL 14 or later is required (found 13.9)."))
    assert "13.9" in found
    assert "upgrade the server" in remedy
    monkeypatch.setattr(type(connection._connections[connection._alias]), "vendor", "postgresql")
    found, remedy = why_unusable(OperationalError("connection failed:\n\tConnection refused"))
    assert found == "connection failed: Connection refused"
    assert "is the server running" in remedy


@pytest.mark.django_db
def test_the_version_is_told():
    assert version().split()[0] in {"SQLite", "PostgreSQL"}
    assert version().split()[1][0].isdigit()
