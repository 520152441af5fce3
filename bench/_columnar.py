"""The columnar baseline: DuckDB with one row for each stack of each profile, in one file beside the store."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from time import perf_counter

import duckdb
import numpy as np
from numpy.typing import NDArray

from bench._workload import Profile

_SCHEMA = """
CREATE TABLE sample (service INTEGER, host INTEGER, start_ns BIGINT, stack INTEGER, count BIGINT);
CREATE TABLE point (series INTEGER, time_ms BIGINT, value DOUBLE);
"""
# One core of two, as the store has: a worker and a page share the machine.
_THREADS = 1


class Columnar:
    """The same transactions as the store has; a commit is on disk when it returns."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.sql = duckdb.connect(str(path), config={"threads": _THREADS})
        self.sql.execute(_SCHEMA)

    def append(self, host: int, start_ns: int, batch: Sequence[Profile]) -> None:
        """One batch, one transaction; each profile is of another service."""
        self.load([(service, host, start_ns, profile) for service, profile in enumerate(batch)])

    def load(self, rows: Iterable[tuple[int, int, int, Profile]]) -> None:
        """(service, host, start, profile) in one transaction."""
        rows = list(rows)
        lengths = [len(profile.numbers) for *_, profile in rows]
        columns = [np.repeat(np.array(column), lengths) for column in list(zip(*rows, strict=True))[:3]]
        service, host, start_ns = columns
        stack = np.concatenate([profile.numbers for *_, profile in rows])
        count = np.concatenate([profile.counts for *_, profile in rows])
        self._insert("sample", service=service, host=host, start_ns=start_ns, stack=stack, count=count)

    def append_points(self, series: Sequence[int], time_ms: int, values: NDArray[np.float64]) -> None:
        self._insert("point", series=np.array(series), time_ms=np.full(len(series), time_ms), value=values)

    def merge_ms(self, service: int, hosts: Sequence[int], start_ns: int, end_ns: int) -> float:
        """How long the counts by stack of one service on some hosts take."""
        began = perf_counter()
        self.sql.execute(
            "SELECT stack, sum(count) FROM sample WHERE service = ? AND list_contains(?, host) "
            "AND start_ns >= ? AND start_ns < ? GROUP BY stack",
            (service, list(hosts), start_ns, end_ns),
        ).fetchnumpy()
        return (perf_counter() - began) * 1000

    def size_bytes(self) -> int:
        self.sql.execute("CHECKPOINT")
        return self.path.stat().st_size

    def _insert(self, table: str, **columns: object) -> None:
        self.sql.register("fresh", columns)
        self.sql.execute(f"INSERT INTO {table} SELECT * FROM fresh")
        self.sql.unregister("fresh")
