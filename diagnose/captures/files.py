"""Files that captures gave: kept in DATA_DIR/captures until their capture is forgotten, or all of them are too much."""

from __future__ import annotations

import logging
import os
import re
import shutil
from pathlib import Path
from typing import IO, Protocol

from django.conf import settings
from django.db.models import Sum

from diagnose.access.problems import Problem
from diagnose.captures.lifecycle import announce
from diagnose.models import Capture, CaptureFile

_LOG = logging.getLogger(__name__)

MAX_FILE_BYTES = 64 << 20
MAX_FILES = 8
# Of all captures together; the oldest go first.
MAX_TOTAL_BYTES = 2 << 30
_NAME = re.compile(r"[A-Za-z0-9][\w.-]{0,79}", re.ASCII)
_CHUNK_BYTES = 1 << 20


class Readable(Protocol):
    """A request, or an open file."""

    def read(self, size: int, /) -> bytes: ...


def keep(capture: Capture, name: str, content: Readable) -> CaptureFile:
    """Read the content to its end and keep it; the same name again replaces it.

    Raises Problem 413 when it is too large, 422 for a name that is none, 409 when there are too many.
    """
    if not _NAME.fullmatch(name):
        detail = f"{name[:80]!r} is no file name: use up to 80 letters, digits, dots, dashes and underscores."
        raise Problem(422, "Not a file name", detail, {"name": "is not a file name"})
    if capture.files.exclude(name=name).count() >= MAX_FILES:
        raise Problem(409, "Too many files", f"Capture {capture.id} has {MAX_FILES} files already.")
    size = _write(_folder(capture.id) / name, content)
    file, _ = CaptureFile.objects.update_or_create(capture=capture, name=name, defaults={"bytes": size})
    announce(capture)
    return file


def opened(capture: Capture, name: str) -> IO[bytes]:
    """For download. Raises Problem 404, and 410 when its time is over."""
    if not capture.files.filter(name=name).exists():
        raise Problem(404, "No such file", f"Capture {capture.id} has no file {name[:80]!r}.")
    try:
        return (_folder(capture.id) / name).open("rb")
    except FileNotFoundError:
        detail = f"{name} was deleted: it is older than what DATA_DIR/captures has room for."
        raise Problem(410, "No longer kept", detail) from None


def tidy() -> None:
    """Delete what no capture stands for any more, and the oldest of what is over the limit."""
    known = set(CaptureFile.objects.values_list("capture_id", flat=True))
    for folder in _root().iterdir() if _root().is_dir() else ():
        if folder.name not in known and not Capture.objects.filter(id=folder.name).exists():
            shutil.rmtree(folder, ignore_errors=True)
    total = CaptureFile.objects.aggregate(all=Sum("bytes"))["all"] or 0
    for file in CaptureFile.objects.order_by("kept_at"):
        if total <= MAX_TOTAL_BYTES:
            return
        _LOG.warning("%s is deleted: all files of captures take over %d MB", file, MAX_TOTAL_BYTES >> 20)
        (_folder(file.capture_id) / file.name).unlink(missing_ok=True)
        total -= file.bytes
        file.delete()


def _write(path: Path, content: Readable) -> int:
    """It appears whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}.{os.urandom(4).hex()}")
    size = 0
    try:
        with draft.open("xb") as file:
            while chunk := content.read(_CHUNK_BYTES):
                size += len(chunk)
                if size > MAX_FILE_BYTES:
                    most = MAX_FILE_BYTES >> 20
                    detail = f"{path.name} is over {most} MB; capture for a shorter time."
                    raise Problem(413, "File too large", detail)
                file.write(chunk)
            os.fsync(file.fileno())
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
    return size


def _root() -> Path:
    return Path(settings.DATA_DIR) / "captures"


def _folder(capture_id: str) -> Path:
    return _root() / capture_id
