"""The pages in other languages: `locale/<language>.po` and `.js.po`, compiled where Django looks for them.

It is done when the pages are first served, in Python: the program of the distribution that does it is not everywhere.
"""

from __future__ import annotations

import os
from pathlib import Path

import polib

from diagnose.config import ROOT

SOURCES = ROOT / "locale"
# By how the source's name ends: what Django calls that part.
_DOMAINS = {".js.po": "djangojs", ".po": "django"}


def compile_all(target: Path, sources: Path = SOURCES) -> None:
    """Into `target/<language>/LC_MESSAGES/`, whatever is older there than its source. Several processes may do it."""
    for source in sorted(sources.glob("*.po")):
        ending = next(ending for ending in _DOMAINS if source.name.endswith(ending))
        compiled = target / source.name.removesuffix(ending) / "LC_MESSAGES" / f"{_DOMAINS[ending]}.mo"
        if not compiled.exists() or compiled.stat().st_mtime < source.stat().st_mtime:
            _compile(source, compiled)


def _compile(source: Path, compiled: Path) -> None:
    compiled.parent.mkdir(parents=True, exist_ok=True)
    draft = compiled.with_name(f"{compiled.name}.{os.getpid()}")
    polib.pofile(str(source)).save_as_mofile(str(draft))
    draft.replace(compiled)
