"""Reads `patterns.toml`: the layers, and for each language one regular expression that names the layer."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

LANGUAGES = ("python", "go", "kernel", "native")
# No layer: the time is that of whoever called.
CALLER = "caller"


@dataclass(frozen=True, slots=True)
class Layer:
    """`absorbs`: layers that belong to this one where it calls them; `*` is all."""

    id: str
    title: str
    absorbs: frozenset[str] = frozenset()

    def takes(self, inner: str) -> bool:
        return "*" in self.absorbs or inner in self.absorbs


@dataclass(frozen=True, slots=True)
class Table:
    """Layers by id in the order in which they are shown; patterns by language."""

    layers: Mapping[str, Layer]
    patterns: Mapping[str, _Patterns]

    def find(self, language: str, text: str) -> str | None:
        """The layer of a frame's text, CALLER among them; None when no pattern fits."""
        return self.patterns[language].find(text)


class _Patterns:
    """All of a language as one expression, tried in the order of the file."""

    def __init__(self, language: str, groups: list[dict[str, Any]]) -> None:
        self.layers = [group["layer"] for group in groups]
        choices = ("|".join(_expression(language, each) for each in group["match"]) for group in groups)
        self._expression = re.compile("|".join(f"({choice})" for choice in choices))

    def find(self, text: str) -> str | None:
        found = self._expression.fullmatch(text)
        return self.layers[found.lastindex - 1] if found and found.lastindex else None


@cache
def table() -> Table:
    """What is in the file beside this module, which is a part of the program."""
    raw = tomllib.loads(files(__package__).joinpath("patterns.toml").read_text("utf-8"))
    layers = [Layer(each["id"], each["title"], frozenset(each.get("absorbs", ()))) for each in raw["layers"]]
    patterns = {language: _Patterns(language, raw[language]) for language in LANGUAGES}
    return Table({layer.id: layer for layer in layers}, patterns)


def _expression(language: str, pattern: str) -> str:
    if language == "python":
        return _of_python(pattern)
    if language == "go":
        return _of_go(pattern)
    return _glob(pattern)


def _of_python(pattern: str) -> str:
    """PATH or PATH:FUNCTION, matched with `path:qualified.name`."""
    path, colon, function = pattern.partition(":")
    anywhere = path.startswith("*/")
    place = _glob(path.removeprefix("*/") if anywhere else path)
    place = f"(?:.*/)?{place}" if anywhere else place
    if path.endswith("/"):
        place += "[^:]*"
    return f"{place}:(?:.*\\.)?{_glob(function)}" if colon else f"{place}:.*"


def _of_go(pattern: str) -> str:
    """A package where there is no dot behind the last slash, or at the end; else a function with its closures."""
    if "." not in pattern.rpartition("/")[2] or pattern.endswith("."):
        return f"{_glob(pattern)}.*"
    return f"{_glob(pattern)}(?:\\.func.*)?"


def _glob(pattern: str) -> str:
    return ".*".join(re.escape(part) for part in pattern.split("*"))
