"""Fetches the wheels of what the collector depends on, for every interpreter it may meet, and builds its own."""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from django.conf import settings

PYTHONS = ("3.11", "3.12", "3.13", "3.14")
# The oldest C library first: pip takes the first that it finds. 2.28 is that of the oldest distributions with 3.11.
_GLIBC = ("manylinux_2_5", "manylinux_2_17", "manylinux2014", "manylinux_2_28")
MACHINES = ("x86_64", "aarch64")
_NOT_SOURCE = shutil.ignore_patterns("build", "__pycache__", "*.egg-info")
_PIP = (sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input", "--quiet")
_TIMEOUT_SECONDS = 600.0


class CannotFetch(Exception):
    """The last word of pip, in one line."""


@dataclass(frozen=True, slots=True)
class Target:
    """One kind of interpreter."""

    python: str
    machine: str

    @property
    def tag(self) -> str:
        return f"cp{self.python.replace('.', '')}-{self.machine}"


TARGETS = tuple(Target(python, machine) for python in PYTHONS for machine in MACHINES)


def tree() -> Path:
    return Path(settings.BASE_DIR) / "collectors"


def requirements() -> list[str]:
    """As the collector's own project file has them, and pip itself: many hosts have Python without it."""
    project = tomllib.loads((tree() / "pyproject.toml").read_text())["project"]
    return [*project["dependencies"], "pip"]


def source_digest() -> str:
    """Changes with any file that is in the collector's wheel."""
    digest = hashlib.sha256()
    for path in sorted(_sources()):
        digest.update(f"{path.relative_to(tree())}\0".encode() + path.read_bytes())
    return digest.hexdigest()[:16]


def fetch(target: Target, place: Path) -> None:
    """All requirements for one kind of interpreter, with what they require. Raises CannotFetch."""
    interpreter = ("--implementation", "cp", "--python-version", target.python)
    abi = ("--abi", f"cp{target.python.replace('.', '')}", "--abi", "abi3", "--abi", "none")
    platforms = [word for glibc in _GLIBC for word in ("--platform", f"{glibc}_{target.machine}")]
    only = ("--only-binary", ":all:", "--dest", str(place))
    _run([*_PIP, "download", *only, *interpreter, *abi, *platforms, *requirements()])


def build(place: Path) -> str:
    """The collector's own wheel, from a copy of the tree; its file name. Raises CannotFetch."""
    with TemporaryDirectory() as copies, TemporaryDirectory(dir=place) as built:
        copied = shutil.copytree(tree(), Path(copies) / "collectors", ignore=_NOT_SOURCE)
        # Without isolation no registry is asked: what builds it is a dependency of the server.
        wheel = ("wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", built)
        _run([*_PIP, *wheel, str(copied)])
        (made,) = Path(built).iterdir()
        return made.replace(place / made.name).name


def project_of(wheel: str) -> tuple[str, str]:
    """The normalised name (PEP 503) and the version of a wheel's file name."""
    name, version, *_ = wheel.split("-")
    return re.sub(r"[-_.]+", "-", name).lower(), version


def _sources() -> Iterator[Path]:
    for path in tree().rglob("*"):
        parts = path.relative_to(tree()).parts
        if path.is_file() and not {"build", "__pycache__"} & set(parts) and ".egg-info" not in str(path):
            yield path


def _run(argv: list[str]) -> None:
    try:
        ran = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=_TIMEOUT_SECONDS)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise CannotFetch(f"pip did not run: {error}") from None
    if ran.returncode:
        said = [line for line in ran.stderr.splitlines() if line.strip() and not line.startswith("hint:")]
        lines = [line for line in said if line.startswith("ERROR")] or said
        raise CannotFetch((lines or ["pip failed without a word"])[-1].removeprefix("ERROR: ")[:300])
