"""The disk queue between the probes and the server: bounded, first in first out, whole after a crash at any moment.

One file a batch, written aside, synced and renamed, so that a file that has its name is complete. Its number is
its sequence number plus the epoch's base. The file with the highest number stays until a higher one is on disk,
because it is also the counter: numbers never go back, even when everything is committed. A batch that the disk refuses
is sent from memory; its number is noted in the file `used`, which has its room from the beginning.
"""

from __future__ import annotations

import logging
import os
import re
import secrets
import threading
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_LOG = logging.getLogger("diagnose.spool")
_NAME = re.compile(r"[0-9]{16}\.batch")
# Batches that the disk refused wait in memory up to this size; enough for minutes of an ordinary host.
MAX_HELD_BYTES = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Entry:
    """One batch to send, and the envelope's numbers that go with it at this moment."""

    epoch: str
    seq: int
    oldest_seq: int
    payload: bytes


@dataclass(frozen=True, slots=True)
class SpoolState:
    """`dropped` counts batches given up for room since the start; `disk_error` is the last refusal, '' when none."""

    epoch: str
    batches: int
    bytes: int
    next_seq: int
    dropped: int
    disk_error: str


class Spool:
    """All methods may be called from any thread. Payloads are opaque here."""

    def __init__(self, directory: Path, max_bytes: int) -> None:
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._directory = directory
        self._used = _Used(directory / "used")
        self._max_bytes = max_bytes
        self._lock = threading.Lock()
        self._sizes: dict[int, int] = {}  # pending, in order of their numbers
        self._held: dict[int, bytes] = {}  # of these, the newest that are not on disk yet
        self._marker = 0  # highest number on disk
        self._dropped = 0
        self._disk_error = ""
        self._load()

    def append(self, payload: bytes) -> int:
        """Queue a batch and return its sequence number. A full disk delays the write, never the caller."""
        with self._lock:
            number = self._next
            self._next += 1
            self._sizes[number] = len(payload)
            self._bytes += len(payload)
            self._held[number] = payload
            self._persist()
            self._enforce_bounds()
            return number - self._base

    def next_after(self, seq: int) -> Entry | None:
        """The first pending batch with a higher sequence number."""
        with self._lock:
            for number in self._sizes:
                if number - self._base > seq:
                    oldest = next(iter(self._sizes))
                    return Entry(self._epoch, number - self._base, oldest - self._base, self._payload(number))
            return None

    def pending_through(self, seq: int) -> int:
        """How many batches up to this sequence number are not committed yet."""
        with self._lock:
            return sum(number - self._base <= seq for number in self._sizes)

    def commit(self, epoch: str, seq: int) -> int:
        """Forget what the server has; returns how many batches that were. Another epoch's word counts for nothing."""
        with self._lock:
            if epoch != self._epoch:
                return 0
            done = [number for number in self._sizes if number - self._base <= seq]
            for number in done:
                self._remove(number)
            return len(done)

    def discard(self, seq: int) -> None:
        """Forget one batch that the server has put into its quarantine."""
        with self._lock:
            self._remove(seq + self._base)

    def replace(self, seq: int, payload: bytes) -> None:
        """Give a batch that cannot be taken as it is a new content under its old number."""
        with self._lock:
            number = seq + self._base
            if number in self._sizes:
                self._bytes += len(payload) - self._sizes[number]
                self._sizes[number] = len(payload)
                if number in self._held:
                    self._held[number] = payload
                else:
                    _write(self._path(number), payload)

    def begin_epoch(self) -> None:
        """Number what is pending from 1 under a new epoch: the server's count went on without this spool."""
        with self._lock:
            self._begin_epoch(next(iter(self._sizes), self._next) - 1)

    def state(self) -> SpoolState:
        """Without the lock, which is held while a slow disk syncs."""
        return SpoolState(
            epoch=self._epoch,
            batches=len(self._sizes),
            bytes=self._bytes,
            next_seq=self._next - self._base,
            dropped=self._dropped,
            disk_error=self._disk_error,
        )

    def _load(self) -> None:
        for leftover in self._directory.glob("*.tmp"):
            leftover.unlink(missing_ok=True)
        named = (path for path in self._directory.iterdir() if _NAME.fullmatch(path.name))
        files = {int(path.stem): path for path in named if path.is_file()}
        self._sizes = {number: files[number].stat().st_size for number in sorted(files)}
        self._bytes = sum(self._sizes.values())
        self._marker = max(files, default=0)
        self._next = max(self._marker, self._used.number) + 1
        first = min(files, default=self._next)
        try:
            epoch, base = (self._directory / "epoch").read_text().split()
            self._epoch, self._base = f"{int(epoch, 16):016x}", int(base)
        except (OSError, ValueError):
            self._base = first
        # Without a file the counter is lost, and with it the right to go on with the epoch.
        if not files or self._base >= first:
            self._begin_epoch(first - 1)

    def _begin_epoch(self, base: int) -> None:
        self._epoch, self._base = f"{secrets.randbits(64):016x}", base
        try:
            _write(self._directory / "epoch", f"{self._epoch} {base}\n".encode())
        except OSError as error:
            self._refused(error)

    def _path(self, number: int) -> Path:
        return self._directory / f"{number:016d}.batch"

    def _payload(self, number: int) -> bytes:
        held = self._held.get(number)
        if held is not None:
            return held
        try:
            return self._path(number).read_bytes()
        except OSError as error:
            _LOG.error("spool file %s cannot be read: %s", self._path(number), error)
            return b""

    def _persist(self) -> None:
        for number, payload in list(self._held.items()):
            try:
                _write(self._path(number), payload)
            except OSError as error:
                self._refused(error)
                self._used.note(max(self._held))
                return
            del self._held[number]
            before, self._marker = self._marker, number
            if before and before not in self._sizes:
                self._unlink(before)
        self._disk_error = ""

    def _refused(self, error: OSError) -> None:
        if not self._disk_error:
            _LOG.error("cannot write to %s: %s; batches wait in memory", self._directory, error.strerror)
        self._disk_error = f"{self._directory}: {error.strerror or error}"

    def _enforce_bounds(self) -> None:
        while len(self._sizes) > 1 and (
            self._bytes > self._max_bytes or sum(map(len, self._held.values())) > MAX_HELD_BYTES
        ):
            self._remove(next(iter(self._sizes)))
            self._dropped += 1
            if self._held:
                self._persist()

    def _remove(self, number: int) -> None:
        if number not in self._sizes:
            return
        self._bytes -= self._sizes.pop(number)
        if self._held.pop(number, None) is None and number != self._marker:
            self._unlink(number)

    def _unlink(self, number: int) -> None:
        try:
            self._path(number).unlink(missing_ok=True)
        except OSError as error:
            self._refused(error)


class _Used:
    """The highest number that was given to a batch without a file: after a crash no other batch may get it again."""

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self.number = int(path.read_text())
        except (OSError, ValueError):
            self.number = 0
            with suppress(OSError):  # a disk that is full from the start has nothing to be mistaken for
                _write(path, f"{0:020d}\n".encode())

    def note(self, number: int) -> None:
        """Written over what is there, which needs no room on a full disk."""
        if number <= self.number:
            return
        self.number = number
        with suppress(OSError), self._path.open("r+b", buffering=0) as stream:
            stream.write(f"{number:020d}\n".encode())
            os.fsync(stream.fileno())


def _write(path: Path, data: bytes) -> None:
    """All or nothing, also after a power cut: the directory is synced as well as the file."""
    aside = path.with_suffix(".tmp")
    try:
        with aside.open("wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        aside.replace(path)
    except OSError:
        aside.unlink(missing_ok=True)
        raise
    directory = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
