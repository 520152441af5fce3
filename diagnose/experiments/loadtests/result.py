"""What a load test tells, whichever tool made it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

_TIME = re.compile(r"([\d.]+)\s*(us|µs|ms|s|m|h)?")
_SECONDS = {"us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_COUNT = re.compile(r"([\d.]+)\s*([kMG]?)")
_FACTORS = {"": 1.0, "k": 1e3, "M": 1e6, "G": 1e9}


class Unreadable(Exception):
    """A file that is not what it should be; the message has the value, the place and the remedy."""


@dataclass(frozen=True, slots=True)
class Step:
    """A part of a test with a load of its own: `rate` of answers a second, `users` at once where known."""

    rate: float
    latency: Mapping[float, float]
    users: float | None = None
    errors: float = 0.0


@dataclass(frozen=True, slots=True)
class LoadTest:
    """`latency` is seconds by quantile, as many as the tool tells; `errors` and `requests` are counts."""

    tool: str
    requests: int
    errors: int
    rate: float
    latency: Mapping[float, float]
    seconds: float | None = None
    steps: tuple[Step, ...] = field(default=())

    @property
    def error_share(self) -> float:
        return self.errors / self.requests if self.requests else 0.0


def seconds_of(text: str) -> float:
    """`635.91us`, `12ms`, `1.5s` in seconds. Raises Unreadable."""
    found = _TIME.fullmatch(text.strip())
    if found is None:
        raise Unreadable(f"{text[:40]!r} is no time: one is a number with us, ms, s, m or h")
    return float(found[1]) * _SECONDS[found[2] or "s"]


def count_of(text: str) -> float:
    """`748868.53` or `56.2k`."""
    found = _COUNT.fullmatch(text.strip())
    if found is None:
        raise Unreadable(f"{text[:40]!r} is no count: one is a number, with k, M or G behind it or without")
    return float(found[1]) * _FACTORS[found[2]]


def figure(pattern: str, text: str, tool: str, what: str) -> str:
    """The first group of the first match. Raises Unreadable, which names what is missing."""
    found = re.search(pattern, text, re.MULTILINE)
    if found is None:
        raise Unreadable(f"the output of {tool} lacks {what}: give all that it printed")
    return found[1]
