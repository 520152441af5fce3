"""The thresholds of a rule, from its source: a constant with the comment above it, which tells unit and source."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from dataclasses import dataclass
from types import ModuleType

_NAME = r"[A-Z][A-Z0-9_]*"
_ASSIGNED = re.compile(rf"^((?:# .*\n)+)({_NAME}(?:, {_NAME})*) = \S", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Threshold:
    """`text` has the unit, and where the value comes from or why it is this one."""

    name: str
    value: str
    text: str


def thresholds(module: ModuleType) -> Iterator[Threshold]:
    """In the order of the source."""
    for comment, names in _ASSIGNED.findall(inspect.getsource(module)):
        text = " ".join(line.removeprefix("# ") for line in comment.splitlines())
        for name in names.split(", "):
            value = getattr(module, name, None)
            if isinstance(value, int | float):
                yield Threshold(name, f"{value:,}", text)
