"""Which fault comes in which round, by seed, and which rounds are done: a run that was stopped goes on there."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Round:
    """`after_seconds` of the stream, `victim` is struck."""

    number: int
    victim: str
    after_seconds: float


@dataclass(frozen=True, slots=True)
class Outcome:
    """The stream was committed again this long after the blow."""

    number: int
    victim: str
    recovery_seconds: float
    committed: int


def planned(seed: int, count: int, victims: Sequence[str]) -> list[Round]:
    """The same for the same seed. Every victim has its turn before one has two more than another."""
    chance = random.Random(seed)
    order: list[str] = []
    while len(order) < count:
        order += chance.sample(victims, len(victims))
    return [Round(number, victim, chance.uniform(0.1, 2.0)) for number, victim in enumerate(order[:count], 1)]


class Record:
    """The outcomes of a run's rounds, in a file beside its data."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.outcomes: list[Outcome] = []
        if path.exists():
            self.outcomes = [Outcome(**one) for one in json.loads(path.read_text())]

    def left(self, rounds: Sequence[Round]) -> Sequence[Round]:
        return rounds[len(self.outcomes) :]

    def add(self, outcome: Outcome) -> None:
        self.outcomes.append(outcome)
        aside = self._path.with_suffix(".tmp")
        aside.write_text(json.dumps([asdict(one) for one in self.outcomes], indent=1))
        aside.replace(self._path)
