"""What a poll asks, checked the same by the API, which hands out the ticket, and by the stream process."""

from __future__ import annotations

import math
import re

from diagnose.access.problems import Problem

# Proxies close what is silent for a minute.
MAX_WAIT_SECONDS = 55.0
_POSITION = re.compile(r"\d{1,20}(-\d{1,20})?", re.ASCII)


def position(text: str, name: str) -> str:
    """An entry's id, or '' for the beginning. Raises Problem 422."""
    if text and not _POSITION.fullmatch(text):
        detail = f"{name} {text[:40]!r} is not a position; leave it out, or use the one of the answer before."
        raise Problem(422, "Not a position", detail, {name: "is not a position"})
    return text


def wait_seconds(text: str) -> float:
    """Raises Problem 422."""
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 <= seconds <= MAX_WAIT_SECONDS:
        detail = f"wait {text[:40]!r} is not a number of seconds from 0 to {MAX_WAIT_SECONDS:g}."
        raise Problem(422, "Cannot wait so long", detail, {"wait": "is out of range"})
    return seconds
