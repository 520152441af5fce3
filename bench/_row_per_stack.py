"""The plain baseline: SQLite with one row for each stack of each profile, and one row for each point."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from pathlib import Path
from time import perf_counter

from bench._workload import Profile

_SCHEMA = """
CREATE TABLE profile (id INTEGER PRIMARY KEY, service INTEGER, host INTEGER, start_ns INTEGER);
CREATE INDEX profile_by_time ON profile (service, host, start_ns);
CREATE TABLE sample (profile INTEGER, stack INTEGER, count INTEGER, PRIMARY KEY (profile, stack)) WITHOUT ROWID;
CREATE TABLE point (series INTEGER, time_ms INTEGER, value REAL, PRIMARY KEY (series, time_ms)) WITHOUT ROWID;
"""


class RowPerStack:
    """The same transactions and the same durability as the store has."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.sql = sqlite3.connect(path, isolation_level=None)
        self.sql.executescript(f"PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; {_SCHEMA}")

    def append(self, host: int, start_ns: int, batch: Sequence[Profile]) -> None:
        """One batch, one transaction; each profile is of another service."""
        self.sql.execute("BEGIN IMMEDIATE")
        for service, profile in enumerate(batch):
            row = self.sql.execute("INSERT INTO profile VALUES (NULL, ?, ?, ?)", (service, host, start_ns))
            number = row.lastrowid
            pairs = zip(profile.numbers.tolist(), profile.counts.tolist(), strict=True)
            self.sql.executemany(
                "INSERT INTO sample VALUES (?, ?, ?)", [(number, stack, count) for stack, count in pairs]
            )
        self.sql.execute("COMMIT")

    def append_points(self, points: Sequence[tuple[int, int, float]]) -> None:
        self.sql.execute("BEGIN IMMEDIATE")
        self.sql.executemany("INSERT INTO point VALUES (?, ?, ?)", points)
        self.sql.execute("COMMIT")

    def merge_ms(self, service: int, host: int, start_ns: int, end_ns: int) -> float:
        """How long the counts by stack of one service and host take."""
        began = perf_counter()
        self.sql.execute(
            "SELECT stack, sum(count) FROM profile JOIN sample ON sample.profile = profile.id "
            "WHERE service = ? AND host = ? AND start_ns >= ? AND start_ns < ? GROUP BY stack",
            (service, host, start_ns, end_ns),
        ).fetchall()
        return (perf_counter() - began) * 1000

    def size_bytes(self) -> int:
        self.sql.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return self.path.stat().st_size
