"""Prometheus' text format (version 0.0.4, and what OpenMetrics has in common with it): readings of one page."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass

_TYPE = re.compile(
    r"# TYPE ([a-zA-Z_:][\w:]*) (counter|gauge|histogram|summary|untyped|unknown|info|stateset)"
)
_QUOTED = r'"(?:[^"\\]|\\.)*"'
_SAMPLE = re.compile(rf"([a-zA-Z_:][\w:]*)(?:\{{((?:[^\"}}]|{_QUOTED})*)\}})? (\S+)(?: -?[\d.]+)?(?: # .*)?")
_LABEL = re.compile(r'([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"')
_ESCAPED = re.compile(r"\\(.)")
_MOST_NAME = 200
# Of a histogram or summary these count; of a counter what ends in _total does, whatever its TYPE line names.
_COUNTING = ("_bucket", "_count", "_sum")


@dataclass(frozen=True, slots=True)
class Reading:
    """One sample; `counter` rises until its process ends."""

    name: str
    labels: tuple[tuple[str, str], ...]
    value: float
    counter: bool


def readings(text: str) -> Iterator[Reading]:
    """Lines that are not understood, and values that are not numbers, are left out."""
    types: dict[str, str] = {}
    for line in text.splitlines():
        if line.startswith("#"):
            match = _TYPE.match(line)
            if match:
                types[match[1]] = match[2]
            continue
        match = _SAMPLE.fullmatch(line.strip())
        value = _number(match[3]) if match else None
        if match is None or value is None or len(match[1]) > _MOST_NAME:
            continue
        counter = _is_counter(match[1], types)
        if not counter or value >= 0:
            yield Reading(match[1], _labels(match[2] or ""), value, counter)


def _is_counter(name: str, types: dict[str, str]) -> bool:
    if name in types:
        return types[name] == "counter"
    for suffix in _COUNTING:
        base = name.removesuffix(suffix)
        if base != name and types.get(base) in ("histogram", "summary"):
            return True
    return name.endswith("_total") and types.get(name.removesuffix("_total")) == "counter"


def _labels(text: str) -> tuple[tuple[str, str], ...]:
    return tuple((name, _ESCAPED.sub(_plain, content)[:_MOST_NAME]) for name, content in _LABEL.findall(text))


def _plain(match: re.Match[str]) -> str:
    return "\n" if match[1] == "n" else match[1]


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None
