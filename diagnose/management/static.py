"""Collects static files into DATA_DIR, but only when one of them is newer than the last collection."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from django.conf import settings
from django.core.management import call_command

# What Plotly's wheel carries beside the one file that the pages load.
_NOT_NEEDED = ["widgetbundle.js", "datasets", "templates"]


def collect() -> None:
    """Hashing and compressing takes seconds (plotly.min.js has 4.8 MB), so a second start does without it."""
    manifest = Path(settings.STATIC_ROOT) / "staticfiles.json"
    if not manifest.exists() or _newest_change() > manifest.stat().st_mtime:
        call_command("collectstatic", interactive=False, verbosity=0, clear=True, ignore_patterns=_NOT_NEEDED)


def _newest_change() -> float:
    """Directories count too: their time tells of a file that was removed."""
    return max(path.stat().st_mtime for path in _sources())


def _sources() -> Iterator[Path]:
    for entry in settings.STATICFILES_DIRS:
        directory = Path(str(entry[1] if isinstance(entry, tuple) else entry))
        yield directory
        yield from directory.rglob("*")
