"""Why the database that DATABASE_URL names cannot be used, in one line, and what to do."""

from __future__ import annotations

from django.db import DatabaseError, NotSupportedError, connection


def why_unusable(error: DatabaseError) -> tuple[str, str]:
    """What is wrong, and the remedy."""
    found = " ".join(str(error).split())
    if isinstance(error, NotSupportedError):  # "PostgreSQL 14 or later is required (found 13.9)."
        return found.rstrip("."), "upgrade the server, or leave DATABASE_URL empty for SQLite"
    if connection.vendor == "postgresql":
        return (
            found,
            "is the server running, and are host, database, user and password in DATABASE_URL right?",
        )
    return found, "check DATABASE_URL and DATA_DIR"


def version() -> str:
    """The server's or the library's, as it tells it."""
    number = ".".join(map(str, connection.get_database_version()))
    return f"{connection.display_name} {number}"
