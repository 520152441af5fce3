"""Which batches a day file already holds: the row that makes a repetition harmless, in the same transaction."""

from __future__ import annotations

import sqlite3
from typing import Literal

from diagnose.store import connections, days
from diagnose.store.rows import BatchKey

Part = Literal["profiles", "series"]


def claim(sql: sqlite3.Connection, batch: BatchKey, part: Part) -> bool:
    """Whether this transaction is the first to apply this part of the batch to this file."""
    cursor = sql.execute(
        "INSERT OR IGNORE INTO applied VALUES (?, ?, ?, ?, ?)",
        (batch.host_id, batch.epoch, batch.seq, part, batch.shift_ns),
    )
    return cursor.rowcount == 1


def earlier_shift_ns(host_id: int, epoch: str, seq: int) -> int | None:
    """By how much an earlier, unfinished attempt moved the batch's times; None when there was none.

    A second attempt has to move them by the same, or rows near midnight would land in another day's file.
    """
    for day in reversed(days.stored_days("raw")):
        with connections.reading(days.path_of(day, "raw")) as sql:
            row = sql.execute(
                "SELECT shift_ns FROM applied WHERE host = ? AND epoch = ? AND seq = ?", (host_id, epoch, seq)
            ).fetchone()
        if row is not None:
            return int(row[0])
    return None
