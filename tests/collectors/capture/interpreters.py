"""Each CPython that is found on this machine, one of a version: the tests' own, the distribution's, those of pyenv."""

from __future__ import annotations

import subprocess
import sys
from functools import cache
from pathlib import Path

SUPPORTED = tuple(f"3.{minor}" for minor in range(9, 15))


@cache
def interpreters() -> dict[str, str]:
    """Program by version; of two of a version the first found."""
    places = [Path(sys.executable), *Path("/usr/bin").glob("python3.*")]
    places += sorted((Path.home() / ".pyenv/versions").glob("*/bin/python3"))
    found: dict[str, str] = {}
    for program in places:
        if not program.name.endswith("config") and (version := _version(program)) in SUPPORTED:
            found.setdefault(version, str(program))
    return dict(sorted(found.items(), key=lambda item: SUPPORTED.index(item[0])))


def _version(program: Path) -> str:
    asked = "import sys; print('%d.%d' % sys.version_info[:2])"
    try:
        ran = subprocess.run([program, "-c", asked], capture_output=True, text=True, timeout=20, check=False)
    except OSError:
        return ""
    return ran.stdout.strip()
