"""The files of a backup: tables of rows, msgpack under zstd, and a manifest that says what has to be in them."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from itertools import chain, groupby
from pathlib import Path

import msgspec
import zstandard

from diagnose.store.backup.snapshot import Day, Stream
from diagnose.store.backup.tally import Tally, some_at_once

FORMAT = 1
MANIFEST = "manifest.json"
MAIN = "relational.zst"
_LEVEL = 3
_HASH_AT_ONCE = 1 << 20
_LENGTH_BYTES = 4


class BadBackup(Exception):
    """A backup that cannot be used; the message has the file, what is wrong and the remedy."""


def name_of(day: Day) -> str:
    """The file of one day."""
    return f"telemetry/{day.kind}/{day.day}.zst"


class TableEntry(msgspec.Struct, frozen=True):
    """What a table has to hold."""

    rows: int
    digest: str


class FileEntry(msgspec.Struct, frozen=True):
    """One file of the backup; `fingerprint` is that of its source when it can be told whether that has changed."""

    bytes: int
    sha256: str
    tables: dict[str, TableEntry]
    fingerprint: str = ""


class Manifest(msgspec.Struct, frozen=True):
    """`migrations` are the last by app, `schema` the telemetry's version; `numbers` the highest ever given by table."""

    format: int
    made_at: datetime
    engine: str
    schema: int
    migrations: dict[str, str]
    numbers: dict[str, int]
    files: dict[str, FileEntry]


class Block(msgspec.Struct, frozen=True, array_like=True):
    """Some rows of a table; a table without rows has one empty block."""

    table: str
    columns: list[str]
    rows: list[list[object]]


def write(path: Path, tables: Iterable[Stream], fingerprint: str = "") -> FileEntry:
    """Durable on return."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    found: dict[str, TableEntry] = {}
    with path.open("wb") as file, zstandard.ZstdCompressor(_LEVEL).stream_writer(file, closefd=False) as out:
        for table in tables:
            tally = Tally()
            for some in some_at_once(tally.counting(table.rows)):
                _put(out, Block(table.name, table.columns, [list(row) for row in some]))
            if not tally.rows:
                _put(out, Block(table.name, table.columns, []))
            found[table.name] = TableEntry(tally.rows, tally.digest)
    sync(path)
    return FileEntry(path.stat().st_size, sha256(path), found, fingerprint)


def read(path: Path) -> Iterator[Stream]:
    """Table by table. Raises BadBackup."""
    for name, blocks in groupby(_blocks(path), key=lambda block: block.table):
        first = next(blocks)
        rows = chain.from_iterable(block.rows for block in chain([first], blocks))
        yield Stream(name, first.columns, rows)


def _blocks(path: Path) -> Iterator[Block]:
    decoder = msgspec.msgpack.Decoder(Block)
    try:
        with path.open("rb") as file, zstandard.ZstdDecompressor().stream_reader(file) as blocks:
            while length := blocks.read(_LENGTH_BYTES):
                yield decoder.decode(blocks.read(int.from_bytes(length)))
    except (zstandard.ZstdError, msgspec.MsgspecError, EOFError) as error:
        raise BadBackup(f"{path} cannot be read ({error}); take another backup") from None


def _put(out: zstandard.ZstdCompressionWriter, block: Block) -> None:
    data = msgspec.msgpack.encode(block)
    out.write(len(data).to_bytes(_LENGTH_BYTES))
    out.write(data)


def sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(_HASH_AT_ONCE):
            digest.update(piece)
    return digest.hexdigest()


def write_manifest(folder: Path, manifest: Manifest) -> None:
    path = folder / MANIFEST
    path.write_bytes(msgspec.json.format(msgspec.json.encode(manifest), indent=1))
    sync(path)


def read_manifest(folder: Path) -> Manifest:
    """Raises BadBackup."""
    path = folder / MANIFEST
    try:
        manifest = msgspec.json.decode(path.read_bytes(), type=Manifest)
    except OSError as error:
        raise BadBackup(
            f"{folder} is no backup ({MANIFEST}: {error.strerror}); name a folder that `manage.py backup` made"
        ) from None
    except msgspec.MsgspecError as error:
        raise BadBackup(f"{path} cannot be read ({error}); take another backup") from None
    if manifest.format != FORMAT:
        raise BadBackup(
            f"{path} has format {manifest.format}, this server reads {FORMAT}: use its own version"
        )
    return manifest


def verify(folder: Path, manifest: Manifest) -> None:
    """Each file is there as it was written. Raises BadBackup."""
    for name, entry in manifest.files.items():
        path = folder / name
        if not path.exists():
            raise BadBackup(f"{path} is missing; take another backup")
        if path.stat().st_size != entry.bytes or sha256(path) != entry.sha256:
            raise BadBackup(f"{path} is not as it was written (its SHA-256 differs); take another backup")


def sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def nothing_left_behind(path: Path) -> Iterator[Path]:
    """A folder under a name that nobody takes for a backup; gone again if it was not renamed."""
    path.mkdir(mode=0o700, parents=True)
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)
