"""Looks for changes as facts come, and ties them to findings. Asked every few seconds; mostly there is nothing."""

from __future__ import annotations

from diagnose.changes.detect import detect
from diagnose.changes.link import link


def follow() -> None:
    """May be run twice at a time and any number of times."""
    while detect():
        pass
    link()
