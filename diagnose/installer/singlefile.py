"""A collector that is one file: for one kind of machine, under any Python that there are wheels for."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from collections.abc import Iterable
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory

_EXECUTABLE = 0o755
# Runs before anything of ours is imported, under whatever Python the host has.
_PREAMBLE = """#!/usr/bin/env python3
import sys
if sys.version_info < (3, 11):
    sys.exit("diagnose-collector: this is Python %d.%d, and it needs 3.11 or newer" % sys.version_info[:2])
"""


class Differs(Exception):
    """Two wheels of one project have files of one name that are not the same."""


def make(wheels: Iterable[Path], output: Path) -> None:
    """All wheels side by side: compiled modules have their interpreter in their names, all else is the same."""
    with TemporaryDirectory() as directory, TemporaryDirectory() as beside:
        for wheel in wheels:
            _unpack(wheel, Path(directory))
        preamble = Path(beside, "preamble.py")
        preamble.write_text(_PREAMBLE)
        preamble.chmod(_EXECUTABLE)
        options = ("--compressed", "--reproducible", "--python", "/usr/bin/env python3")
        entry = ("--entry-point", "collectors.__main__:main", "--site-packages", directory)
        argv = [
            sys.executable,
            "-m",
            "shiv",
            *options,
            *entry,
            "--preamble",
            str(preamble),
            "--output-file",
            str(output),
        ]
        subprocess.run(argv, check=True, capture_output=True, timeout=300)


def _unpack(wheel: Path, place: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        for name in archive.namelist():
            to = _destination(PurePosixPath(name))
            if to is None or name.endswith("/"):
                continue
            _write(place / to, archive.read(name), wheel.name)


def _destination(path: PurePosixPath) -> PurePosixPath | None:
    """Where a wheel's file goes below site-packages, scripts (py-spy's program) into `bin`; None: it is not needed."""
    # CPython uses zstandard's backend_c; the other one, for PyPy, is half of its wheel.
    if path.parts[0] == "zstandard" and path.name.startswith("_cffi."):
        return None
    if path.parts[0].endswith(".data"):
        return PurePosixPath("bin", *path.parts[2:]) if path.parts[1] == "scripts" else None
    return path


def _write(path: Path, data: bytes, wheel: str) -> None:
    if path.exists() and path.read_bytes() != data and not path.parent.name.endswith(".dist-info"):
        raise Differs(f"{wheel} has another {path.name} than the same version for another interpreter")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    if path.parent.name == "bin":
        path.chmod(_EXECUTABLE)
