"""Which batches a day already holds: the row that makes a repetition harmless, in the same transaction."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import Literal

from diagnose.store import days
from diagnose.store.engine.protocol import Sql
from diagnose.store.rows import BatchKey, BatchName
from diagnose.store.schema import Kind

Part = Literal["profiles", "series"]
_RAW: tuple[Kind, ...] = ("profiles", "points", "captures")


def claim(sql: Sql, batches: Sequence[BatchKey], part: Part) -> set[BatchName]:
    """The batches of which this transaction is the first to apply this part to this day, by their names.

    In the order given: others that come to the same batches in the same order wait, and never for each other.
    """
    values = [(one.host_id, one.epoch, one.seq, part, one.shift_ns) for one in batches]
    rows = ", ".join(["(?, ?, ?, ?, ?)"] * len(batches))
    claimed = sql.execute(
        f"INSERT INTO applied (host, epoch, seq, part, shift_ns) VALUES {rows} "  # noqa: S608 — only placeholders
        "ON CONFLICT DO NOTHING RETURNING host, epoch, seq",
        list(chain.from_iterable(values)),
    )
    return {BatchName(*row) for row in claimed.fetchall()}


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
