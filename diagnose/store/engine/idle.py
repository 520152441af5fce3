"""Open connections that wait for their next use; of one process each, as none must be used on both sides of a fork."""

from __future__ import annotations

import os
import threading
from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Generic, Protocol, TypeVar


class _Closing(Protocol):
    def close(self) -> None: ...


Connection = TypeVar("Connection", bound=_Closing)


class Idle(Generic[Connection]):
    """By the name of what they are connected to; at most so many of each name."""

    def __init__(self, per_name: int) -> None:
        self._per_name = per_name
        self._lock = threading.Lock()
        self._waiting: dict[int, dict[str, list[Connection]]] = defaultdict(dict)

    def take(self, name: str, fits: Callable[[Connection], bool]) -> Connection | None:
        """The latest that fits; those that do not are closed."""
        with self._lock:
            waiting = self._waiting[os.getpid()].get(name, [])
            while waiting:
                connection = waiting.pop()
                if fits(connection):
                    return connection
                connection.close()
        return None

    def give_back(self, name: str, connection: Connection) -> None:
        with self._lock:
            waiting = self._waiting[os.getpid()].setdefault(name, [])
            if len(waiting) < self._per_name:
                waiting.append(connection)
                return
        connection.close()

    def names(self) -> list[str]:
        """Longest known first."""
        with self._lock:
            return list(self._waiting[os.getpid()])

    def close(self, names: Iterable[str]) -> None:
        with self._lock:
            mine = self._waiting[os.getpid()]
            for name in names:
                for connection in mine.pop(name, []):
                    connection.close()
