"""Where the distribution's Chromium is."""

from __future__ import annotations

import shutil

_NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")


def chromium_path() -> str:
    """`make test` installs one."""
    path = next(filter(None, map(shutil.which, _NAMES)), None)
    assert path, "no Chromium: apt-get install chromium-headless-shell (or chromium)"
    return path
