"""SQLite: a file of each kind of data for each day, in DATA_DIR/telemetry.

A day ends by unlinking its file: DELETE took seconds and frees nothing. Connections are kept between uses and given up
when their file is gone.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from django.conf import settings

from diagnose.store import schema
from diagnose.store.engine.idle import Idle
from diagnose.store.engine.protocol import DayGone, Sql, Writing
from diagnose.store.schema import Kind, Table

_TYPES = {"integer": "INTEGER", "real": "REAL", "text": "TEXT", "bytes": "BLOB"}
_IDLE_PER_FILE = 4
_IDLE_FILES = 16
_BUSY_SECONDS = 20.0


@dataclass(slots=True)
class _DayFile:
    """An open day file and the numbers of profile keys that this connection knows to be in it."""

    sql: sqlite3.Connection
    inode: int
    keys: dict[tuple[object, ...], int] = field(default_factory=dict)

    def close(self) -> None:
        self.sql.close()


class SqliteEngine:
    """The files of DATA_DIR/telemetry."""

    failures = (sqlite3.Error,)

    def __init__(self) -> None:
        self._idle: Idle[_DayFile] = Idle(_IDLE_PER_FILE)
        self._unsettled: set[str] = set()
        self._settling = threading.Lock()

    def days(self, kind: Kind) -> list[str]:
        suffix = _suffix(kind)
        names = (path.name.removesuffix(suffix) for path in _folder().glob(f"????-??-??{suffix}"))
        return sorted(name for name in names if len(name) == len("2000-01-01"))

    def holds(self, day: str, kind: Kind) -> bool:
        return os.path.exists(_name(day, kind))  # noqa: PTH110 — asked for each batch; Path costs ten times as much

    def ensure(self, day: str, kind: Kind) -> None:
        """The file appears whole: several processes may make it at once."""
        if self.holds(day, kind):
            return
        path = path_of(day, kind)
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(f".{path.name}.{os.getpid()}.{os.urandom(4).hex()}")
        try:
            with closing(sqlite3.connect(draft)) as made:
                made.execute("PRAGMA journal_mode=WAL")
                made.executescript(script(kind))
            try:
                os.link(draft, path)
            except FileExistsError:
                return
            _sync(path.parent)
        finally:
            draft.unlink(missing_ok=True)

    def drop(self, day: str, kind: Kind) -> None:
        """Whoever reads it right now reads on; the space comes back when they are done."""
        path = path_of(day, kind)
        for part in (path, path.with_name(path.name + "-wal"), path.with_name(path.name + "-shm")):
            part.unlink(missing_ok=True)

    def sizes_bytes(self, kind: Kind) -> dict[str, int]:
        """Of the files and their write-ahead logs."""
        return {day: _size_bytes(path_of(day, kind)) for day in self.days(kind)}

    def tidy(self, day: str, kind: Kind) -> None:
        """Move the write-ahead log into the file."""
        with self._borrowed(_name(day, kind)) as file:
            file.sql.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

    def number_on(self, kind: Kind) -> None:
        """A file goes on from its highest id by itself."""

    def close_idle(self) -> None:
        self._idle.close(self._idle.names())

    def settle(self) -> None:
        """One sync for all transactions since the last, which commits leave to the write-ahead log (0.7 ms each)."""
        with self._settling:  # whoever finds nothing left to do must not be ahead of who does it
            while self._unsettled:
                _sync(self._unsettled.pop() + "-wal")

    @contextmanager
    def reading(self, day: str, kind: Kind) -> Iterator[Sql]:
        """A long read keeps the write-ahead log growing."""
        with self._borrowed(_name(day, kind)) as file:
            file.sql.execute("BEGIN")
            try:
                yield file.sql
            finally:
                if file.sql.in_transaction:
                    file.sql.execute("ROLLBACK")

    @contextmanager
    def writing(self, day: str, kind: Kind) -> Iterator[Writing]:
        """It begins as a writer: read-then-write would meet "locked" instead of waiting."""
        name = _name(day, kind)
        with self._borrowed(name) as file:
            file.sql.execute("BEGIN IMMEDIATE")
            try:
                yield Writing(file.sql, file.keys)
                file.sql.execute("COMMIT")
                self._unsettled.add(name)
            except BaseException:
                if file.sql.in_transaction:
                    file.sql.execute("ROLLBACK")
                raise

    @contextmanager
    def _borrowed(self, name: str) -> Iterator[_DayFile]:
        """Closed instead of given back after an error: what it knows of keys may have been rolled back."""
        try:
            inode = os.stat(name).st_ino  # noqa: PTH116 — asked for each batch
        except FileNotFoundError:
            raise DayGone(f"{name} is gone") from None
        file = self._idle.take(name, lambda waiting: waiting.inode == inode) or self._open(name)
        try:
            yield file
        except BaseException:
            file.close()
            raise
        self._idle.give_back(name, file)

    def _open(self, name: str) -> _DayFile:
        """Raises sqlite3.OperationalError when the file is gone, ValueError when another version made it."""
        self._close_forgotten()
        sql = sqlite3.connect(
            f"file:{name}?mode=rw",
            uri=True,
            timeout=_BUSY_SECONDS,
            isolation_level=None,
            check_same_thread=False,
        )
        sql.execute("PRAGMA synchronous=NORMAL")
        sql.execute("PRAGMA cache_size=-16000")
        # The same index pages are written again and again: fewer checkpoints copy them, and sync, less often.
        sql.execute("PRAGMA wal_autocheckpoint=8000")
        version = sql.execute("PRAGMA user_version").fetchone()[0]
        if version != schema.VERSION:
            sql.close()
            raise ValueError(
                f"{Path(name).name} has schema {version}, this server reads {schema.VERSION}: "
                "start the server that made it"
            )
        return _DayFile(sql, Path(name).stat().st_ino)

    def _close_forgotten(self) -> None:
        """Give up files that are gone or were not asked for in a long time, so that they hold no space."""
        names = self._idle.names()
        gone = [name for name in names if not Path(name).exists()]
        left = [name for name in names if name not in gone]
        self._idle.close([*gone, *left[: max(0, len(left) - _IDLE_FILES)]])


SQLITE = SqliteEngine()


def path_of(day: str, kind: Kind) -> Path:
    return Path(_name(day, kind))


def script(kind: Kind) -> str:
    """What makes an empty file that of a day."""
    tables = "".join(map(_table, schema.TABLES[kind]))
    return f"{tables}PRAGMA user_version={schema.VERSION};"


def _table(table: Table) -> str:
    columns = [f"{name} {_TYPES[kind]} NOT NULL" for name, kind in table.columns.items()]
    key = f"({', '.join(table.key)})"
    if table.numbered:
        columns.insert(0, "id INTEGER PRIMARY KEY")
        columns += [f"UNIQUE {key}"] if table.key else []
    else:
        columns.append(f"PRIMARY KEY {key}")
    made = f"CREATE TABLE {table.name} ({', '.join(columns)}){'' if table.numbered else ' WITHOUT ROWID'};\n"
    return made + "".join(
        f"CREATE INDEX {table.name}_{number} ON {table.name} ({', '.join(index)});\n"
        for number, index in enumerate(table.indexes)
    )


def _folder() -> Path:
    return Path(settings.DATA_DIR) / "telemetry"


def _sync(path: Path | str) -> None:
    """What is gone needs none: a checkpoint has synced it, or its day was dropped."""
    with suppress(FileNotFoundError):
        opened = os.open(path, os.O_RDONLY)
        try:
            os.fsync(opened)
        finally:
            os.close(opened)


def _name(day: str, kind: Kind) -> str:
    return f"{settings.DATA_DIR}/telemetry/{day}{_suffix(kind)}"


def _suffix(kind: Kind) -> str:
    return f".{kind}.sqlite3"


def _size_bytes(path: Path) -> int:
    found = 0
    for part in (path, path.with_name(path.name + "-wal")):
        with suppress(FileNotFoundError):  # dropped, or written into the file, just now
            found += part.stat().st_size
    return found
