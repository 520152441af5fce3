"""Real processes to sample."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.collectors.capture.native.programs import WITH_FRAME_POINTERS, WITHOUT_FRAME_POINTERS, compiled

TARGET = Path(__file__).with_name("target.py")
# Its own for each run: another checkout may be tested on this host at the same time.
SERVICE = f"shop-{os.getpid()}"


@contextlib.contextmanager
def running(*arguments: str, service: str = SERVICE) -> Iterator[subprocess.Popen[str]]:
    environment = {**os.environ, "DIAGNOSE_SERVICE": service}
    process = subprocess.Popen(
        [sys.executable, str(TARGET), *arguments], stdout=subprocess.PIPE, text=True, env=environment
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        yield process
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


@pytest.fixture(scope="session")
def busy() -> Iterator[subprocess.Popen[str]]:
    """Three threads that compete for the GIL, an idle acceptor, a sleeping main thread."""
    with running() as process:
        yield process


def children_named(name: str, of: int | None = None) -> list[int]:
    """Direct children of this process (or of another) that run a program of that name."""
    found = []
    for task in Path(f"/proc/{of or 'self'}/task").iterdir():
        with contextlib.suppress(OSError):  # a thread or a child that ended meanwhile
            for pid in (task / "children").read_text().split():
                if Path(f"/proc/{pid}/comm").read_text().strip() == name:
                    found.append(int(pid))
    return found


class Silent:
    """Nobody calls it off."""

    def goes_on(self) -> bool:
        return True

    def wait(self, seconds: float) -> bool:
        return True

    def tell(self, share: float, message: str, samples: int = 0) -> None:
        pass


@pytest.fixture(scope="session")
def in_c(tmp_path_factory) -> Path:
    return compiled(tmp_path_factory.mktemp("c"), "shares.c", *WITH_FRAME_POINTERS)


@pytest.fixture(scope="session")
def without_frame_pointers(tmp_path_factory) -> Path:
    return compiled(tmp_path_factory.mktemp("bare"), "shares.c", *WITHOUT_FRAME_POINTERS)


@pytest.fixture(scope="session")
def in_cpp(tmp_path_factory) -> Path:
    return compiled(tmp_path_factory.mktemp("cpp"), "shares.cpp", *WITH_FRAME_POINTERS)
