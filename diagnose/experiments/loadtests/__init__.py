"""Results of load tests as the usual tools print or write them, read into one form. Each tool has a module.

A module's `parse` answers None for text that is not its tool's, and raises Unreadable for one that lacks its figures.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from diagnose.experiments.loadtests import ab, hey, k6, locust, wrk
from diagnose.experiments.loadtests.result import LoadTest, Unreadable

TOOLS: Mapping[str, Callable[[str], LoadTest | None]] = {
    "wrk": wrk.parse,
    "hey": hey.parse,
    "k6": k6.parse,
    "Locust": locust.parse,
    "ApacheBench": ab.parse,
}
MAX_BYTES = 32 * 1024 * 1024


def read(data: bytes) -> LoadTest:
    """Of whichever tool. Raises Unreadable."""
    if len(data) > MAX_BYTES:
        raise Unreadable(f"{len(data)} bytes: at most {MAX_BYTES} are read; give the tool's summary instead")
    text = data.decode("utf-8", "replace")
    for parse in TOOLS.values():
        found = parse(text)
        if found is not None:
            return found
    raise Unreadable(
        f"this is no result of {', '.join(TOOLS)}: give what the tool printed, or its JSON or CSV"
    )
