"""Which packages changed last, as facts: from the log of dpkg, or from when the databases of others were written."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

_LOG = "var/log/dpkg.log"
# rpm and apk keep no log in one form; their databases are written with each package.
_DATABASES = {
    "rpm": ("var/lib/rpm/rpmdb.sqlite", "usr/lib/sysimage/rpm/rpmdb.sqlite"),
    "apk": ("lib/apk/db/installed", "usr/lib/apk/db/installed"),
}
# The states in which a package rests after a run.
_ENDS = ("installed", "config-files", "not-installed")
_TAIL_BYTES = 16 * 1024
_MOST_NAMES = 5
# `2026-11-25 09:47:50`: what one run of a package manager did is of about one minute.
_MINUTE, _SECOND = 16, 19


def facts(roots: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """Names with values, '' for what is not known; of the first of the roots that has it."""
    yield "package.dpkg", next((text for root in roots if (text := last_of_log(_tail(f"{root}/{_LOG}")))), "")
    for manager, paths in _DATABASES.items():
        written = (_written(f"{root}/{path}") for root in roots for path in paths)
        yield f"package.{manager}", next((text for text in written if text), "")


def last_of_log(text: str) -> str:
    """The packages of the last minute in which any was installed or removed, and when that was."""
    told = [
        (line[:_SECOND], fields[-2].partition(":")[0], fields[-1])
        for line in text.splitlines()
        if len(fields := line.split()) == 6 and fields[2] == "status" and fields[3] in _ENDS
    ]
    if not told:
        return ""
    last = told[-1][0]
    names = list(
        dict.fromkeys(f"{name} {version}" for at, name, version in told if at[:_MINUTE] == last[:_MINUTE])
    )
    more = f" and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else ""
    return f"{', '.join(names[:_MOST_NAMES])}{more} at {last}"


def _tail(path: str) -> str:
    try:
        with Path(path).open("rb") as stream:
            stream.seek(max(0, os.fstat(stream.fileno()).st_size - _TAIL_BYTES))
            return stream.read(_TAIL_BYTES).decode("utf-8", "replace")
    except OSError:
        return ""


def _written(path: str) -> str:
    try:
        return f"written at {datetime.fromtimestamp(Path(path).stat().st_mtime, UTC):%Y-%m-%d %H:%M:%S} UTC"
    except OSError:
        return ""
