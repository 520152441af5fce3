"""The wheels as they lie in DATA_DIR: an index, and beside it the folder of files that the index names."""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec
from django.conf import settings

INDEX, LOCK, PROBLEM = "index.json", "lock", "problem"


class Kept(msgspec.Struct, frozen=True):
    """A file that hosts may fetch. `project` is its normalised name (PEP 503); empty for what is no wheel."""

    name: str
    project: str
    version: str
    sha256: str
    bytes: int


class Missing(msgspec.Struct, frozen=True):
    """What could not be had; `reason` is the last word of who tried."""

    what: str
    reason: str


class Shelf(msgspec.Struct, frozen=True):
    """`interpreters` has for each kind that it serves, such as cp312-x86_64, the names of the wheels it needs.

    `source` is a digest of the collector's tree.
    """

    version: str
    source: str
    requirements: list[str]
    folder: str
    files: list[Kept]
    interpreters: dict[str, list[str]]
    missing: list[Missing]

    def of_project(self, project: str) -> list[Kept]:
        return [file for file in self.files if file.project == project]

    @property
    def wheels(self) -> list[Kept]:
        return [file for file in self.files if file.project]

    @property
    def single_files(self) -> list[Kept]:
        return [file for file in self.files if not file.project]

    @property
    def projects(self) -> list[str]:
        return sorted({file.project for file in self.wheels})


@dataclass(frozen=True, slots=True)
class State:
    """`shelf` is None before the first success; `problem` is why the last try failed."""

    shelf: Shelf | None
    being_filled: bool
    problem: str

    @property
    def why_empty(self) -> str:
        """In words for who wants to install and cannot."""
        if self.being_filled:
            return "the server is fetching the collector's wheels; ask again in a minute"
        remedy = "run `manage.py vendor_collector` on the server, where it can reach a package registry"
        reason = f" ({self.problem})" if self.problem else ""
        return f"the server has not fetched the collector's wheels yet{reason}: {remedy}"


def place() -> Path:
    return Path(settings.DATA_DIR) / "collector-wheels"


def shelf() -> Shelf | None:
    try:
        return msgspec.json.decode((place() / INDEX).read_bytes(), type=Shelf)
    except (FileNotFoundError, msgspec.MsgspecError):  # one of another version is filled again
        return None


def state() -> State:
    try:
        problem = (place() / PROBLEM).read_text()
    except FileNotFoundError:
        problem = ""
    return State(shelf(), _held(), problem)


def find(name: str) -> tuple[Kept, Path] | None:
    """A file by its name. Only what the index names is found, whatever the name looks like."""
    kept = shelf()
    for file in kept.files if kept else ():
        if file.name == name:
            return file, place() / kept.folder / file.name  # type: ignore[union-attr]
    return None


@contextmanager
def filling() -> Iterator[bool]:
    """Holds the shelf while it is filled; False when somebody else fills it."""
    place().mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(place() / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        yield _take(descriptor)
    finally:
        os.close(descriptor)


def sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _take(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _held() -> bool:
    try:
        descriptor = os.open(place() / LOCK, os.O_RDWR)
    except FileNotFoundError:
        return False
    try:
        return not _take(descriptor)
    finally:
        os.close(descriptor)
