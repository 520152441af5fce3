"""Programs of the corpus in Go, built once a run with the distribution's compiler."""

from __future__ import annotations

import atexit
import os
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path

PROGRAMS = Path(__file__).parent / "programs"


@cache
def built(name: str) -> Path:
    """Of `programs/NAME.go`. Raises CalledProcessError."""
    folder = Path(tempfile.mkdtemp(prefix="diagnose-fault-go-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    environment = {**os.environ, "GOCACHE": str(folder / "cache"), "GO111MODULE": "off"}
    command = ["go", "build", "-o", str(folder / name), str(PROGRAMS / f"{name}.go")]
    subprocess.run(command, env=environment, cwd=folder, check=True)
    return folder / name
