"""A part of a heat map as a parameter: some milliseconds of one second, or of each of several."""

from __future__ import annotations

import re

from diagnose.store.heatmap import Interval
from diagnose.store.rows import NS_PER_MS, NS_PER_SECOND
from diagnose.web.api.query import Parameter

MOST_SECONDS = 3600
_CELLS = re.compile(r"(\d{1,10})(?:-(\d{1,10}))?:(\d{1,3})-(\d{1,4})")


def _read(given: str) -> list[Interval]:
    """Raises ValueError with the remedy."""
    found = _CELLS.fullmatch(given)
    if found is None:
        raise ValueError(
            "use SECOND:MS-MS or SECOND-SECOND:MS-MS in Unix seconds, such as 1767225600:100-250"
        )
    first, last, begin_ms, end_ms = int(found[1]), int(found[2] or found[1]), int(found[3]), int(found[4])
    if not begin_ms < end_ms <= 1000 or not 0 <= last - first < MOST_SECONDS:
        raise ValueError(f"use milliseconds from 0 to 1000, and up to {MOST_SECONDS} seconds")
    return [
        (second * NS_PER_SECOND + begin_ms * NS_PER_MS, second * NS_PER_SECOND + end_ms * NS_PER_MS)
        for second in range(first, last + 1)
    ]


def parameter(name: str, help_: str) -> Parameter[list[Interval]]:
    return Parameter(name, help_, _read, [])


CELLS = parameter(
    "cells",
    "Only samples of this part of a second, or of each of these seconds, as SECOND:MS-MS or SECOND-SECOND:MS-MS; "
    "may be repeated. Default: the whole range.",
)
