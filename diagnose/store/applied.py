"""Which batches a day already holds: the row that makes a repetition harmless, in the same transaction."""

from __future__ import annotations

from typing import Literal

from diagnose.store import days
from diagnose.store.engine.protocol import Sql
from diagnose.store.rows import BatchKey
from diagnose.store.schema import Kind

Part = Literal["profiles", "series"]
_RAW: tuple[Kind, ...] = ("profiles", "points", "captures")


def claim(sql: Sql, batch: BatchKey, part: Part) -> bool:
    """Whether this transaction is the first to apply this part of the batch to this day."""
    cursor = sql.execute(
        "INSERT INTO applied (host, epoch, seq, part, shift_ns) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
        (batch.host_id, batch.epoch, batch.seq, part, batch.shift_ns),
    )
    return cursor.rowcount == 1


def earlier_shift_ns(host_id: int, epoch: str, seq: int) -> int | None:
    """By how much an earlier, unfinished attempt moved the batch's times; None when there was none.

    A second attempt has to move them by the same, or rows near midnight would land in another day.
    """
    stored = ((day, kind) for kind in _RAW for day in days.stored_days(kind))
    for day, kind in sorted(stored, reverse=True):
        with days.reading(day, kind) as sql:
            row = sql.execute(
                "SELECT shift_ns FROM applied WHERE host = ? AND epoch = ? AND seq = ?", (host_id, epoch, seq)
            ).fetchone()
        if row is not None:
            return int(row[0])
    return None
