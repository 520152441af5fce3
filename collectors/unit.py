"""`diagnose-collector unit`: the systemd unit of this collector, made from the one file that has it."""

from __future__ import annotations

import re
from importlib import resources
from pathlib import Path

_START = re.compile(r"(?m)^ExecStart=\S+")


def unit(program: Path) -> str:
    """With the path of `program`, a symbolic link left as it is: an upgrade changes where it points."""
    text = (resources.files("collectors") / "diagnose-collector.service").read_text()
    return _START.sub(lambda _: f"ExecStart={_escaped(str(program.absolute()))}", text)


def _escaped(path: str) -> str:
    """For systemd.unit(5): `%` begins a specifier, and blanks end a word."""
    return path.replace("%", "%%").replace(" ", r"\x20")
