"""Runs that were made, a line of JSON each: what is there already is not run again."""

from __future__ import annotations

import json
import threading
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

Key = tuple[str, str, int]


@dataclass(frozen=True, slots=True)
class Found:
    """A finding about the case, as it stood at the end of the run. `cause`: the rule it is folded under."""

    rule: str
    confidence: float
    rank: int
    cause: str
    headline: str
    after_seconds: float


@dataclass(frozen=True, slots=True)
class Result:
    """`after_seconds` from the onset until a rule of `truth` was on the page, and one of `also` where there are any;
    None: not within the case's patience."""

    case: str
    family: str
    intensity: str
    round: int
    truth: tuple[str, ...]
    after_seconds: float | None
    findings: tuple[Found, ...]
    began: str
    seconds: float
    load1: float
    kernel: str
    # What other monitors raised that watched as well, by their names.
    beside: dict[str, list[str]] = field(default_factory=dict)
    # what the first recommendation was and what verification said of it, where it was followed
    advice: str = ""
    proof: str = ""
    also: tuple[str, ...] = ()

    @property
    def causes(self) -> tuple[str, ...]:
        """All rules that are right, of two faults at once too."""
        return self.truth + self.also

    @property
    def key(self) -> Key:
        return self.case, self.intensity, self.round

    @property
    def roots(self) -> list[Found]:
        """Those that nothing explains, the worst first."""
        return sorted((each for each in self.findings if not each.cause), key=lambda each: each.rank or 10**6)

    @property
    def top(self) -> Found | None:
        return next(iter(self.roots), None)

    @property
    def surplus(self) -> list[Found]:
        """Root causes beside the true ones."""
        return [each for each in self.roots if each.rule not in self.causes]


class Results:
    """The file `results.jsonl` of a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self._path = folder / "results.jsonl"
        self._lock = threading.Lock()

    def read(self) -> list[Result]:
        """A last line that a killed run left half written is passed over."""
        found: dict[Key, Result] = {}
        for line in self._path.read_text().splitlines() if self._path.exists() else ():
            try:
                result = _result(json.loads(line))
            except (json.JSONDecodeError, TypeError, KeyError):
                continue
            found[result.key] = result
        return list(found.values())

    def add(self, result: Result) -> None:
        with self._lock, self._path.open("a") as file:
            file.write(json.dumps(asdict(result)) + "\n")

    def bundle(self, key: Key) -> Path:
        return self.folder / "bundles" / f"{key[0]}-{key[1]}-{key[2]}.json.gz"


def _result(raw: dict[str, Any]) -> Result:
    findings = tuple(Found(**each) for each in raw.pop("findings"))
    rules = {name: tuple(raw.get(name, ())) for name in ("truth", "also")}
    return Result(**{**raw, **rules}, findings=findings)
