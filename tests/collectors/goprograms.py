"""Go programs of `gosources/`, built with the distribution's compiler, run and ended."""

from __future__ import annotations

import atexit
import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

SOURCES = Path(__file__).with_name("gosources")
# Where the distribution keeps packages of Go.
GOPATH = "/usr/share/gocode"
needs_go = pytest.mark.program("go")


@cache
def _folder() -> Path:
    """Of this run; the compiler's cache is in it, too."""
    folder = Path(tempfile.mkdtemp(prefix="diagnose-go-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


@cache
def built(name: str, *flags: str, **settings: str) -> Path:
    """Of `gosources/NAME.go`."""
    program = _folder() / "-".join(
        [name, *settings.values(), *(flag.strip("-").replace("=", "").replace(" ", "") for flag in flags)]
    )
    environment = {
        **os.environ,
        "GOCACHE": str(_folder() / "cache"),
        "GO111MODULE": "off",
        "GOPATH": GOPATH,
        **settings,
    }
    command = ["go", "build", *flags, "-o", str(program), str(SOURCES / f"{name}.go")]
    subprocess.run(command, env=environment, cwd=_folder(), check=True)
    return program


@dataclass
class Served:
    """A running program and the port that it said it listens on."""

    process: subprocess.Popen[str]
    port: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@contextmanager
def serving(program: Path, *arguments: str, service: str = "", **environment: str) -> Iterator[Served]:
    named = {"DIAGNOSE_SERVICE": service} if service else {}
    process = subprocess.Popen(
        [program, *(arguments or ("127.0.0.1:0",))],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, **named, **environment},
    )
    try:
        assert process.stdout is not None
        yield Served(process, int(process.stdout.readline()))
    finally:
        process.kill()
        process.communicate()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port
