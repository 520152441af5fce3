"""What an engine does: days of raw data and of rollups, each with its own tables that appear and go as a whole."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol

from diagnose.store.schema import Kind


class DayGone(LookupError):
    """The day was dropped, or never was; the message names it."""


class Rows(Protocol):
    """The result of a statement: `rowcount` rows were written, or these are there to fetch."""

    @property
    def rowcount(self) -> int: ...

    def fetchone(self) -> Any: ...

    def fetchall(self) -> list[Any]: ...

    def __iter__(self) -> Iterator[Any]: ...


class Sql(Protocol):
    """An open transaction on a day's tables. Statements are written with `?` and in what every engine understands."""

    def execute(self, query: str, values: Sequence[Any] = ..., /) -> Rows: ...

    def executemany(self, query: str, rows: Iterable[Sequence[Any]], /) -> Rows: ...


@dataclass(slots=True)
class Writing:
    """A writing transaction, and the numbers of profile keys that are known to be in the day's tables."""

    sql: Sql
    keys: dict[tuple[object, ...], int]


class Engine(Protocol):
    """Days are named as `days.day_of` does. Safe in threads, after a fork, and in several processes at once.

    `failures` are the errors that tell of the engine's state and not of what was asked: the same may work later.
    """

    @property
    def failures(self) -> tuple[type[Exception], ...]: ...

    def days(self, kind: Kind) -> list[str]:
        """Oldest first."""

    def holds(self, day: str, kind: Kind) -> bool: ...

    def ensure(self, day: str, kind: Kind) -> None:
        """Make the day's tables when they are not there."""

    def drop(self, day: str, kind: Kind) -> None:
        """Give the day up as a whole, and its space; nothing happens when it is not there."""

    def sizes_bytes(self, kind: Kind) -> dict[str, int]:
        """By day."""

    def tidy(self, day: str, kind: Kind) -> None:
        """After much was rewritten: free its room, as far as readers allow."""

    def number_on(self, kind: Kind) -> None:
        """Rows came with ids of their own: new ones get higher ones."""

    def close_idle(self) -> None:
        """Give up the connections that wait for their next use."""

    def settle(self) -> None:
        """On return, whatever this process has written outlives a loss of power too."""

    def reading(self, day: str, kind: Kind) -> AbstractContextManager[Sql]:
        """One consistent view; fetch and leave. Raises DayGone."""

    def writing(self, day: str, kind: Kind) -> AbstractContextManager[Writing]:
        """One transaction; left without an error, it outlives this process. Raises DayGone."""
