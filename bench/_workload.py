"""Profiles as real services give them: 150-400 stacks of depth 15-60 out of 20,000, few hot and many rare. Seeded."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

STACKS_OF_A_SERVICE = 20_000
_FUNCTIONS = 3_000


@dataclass(frozen=True, slots=True)
class Profile:
    """`numbers` ascending, into the service's stacks."""

    numbers: NDArray[np.uint32]
    counts: NDArray[np.int64]


def functions() -> list[tuple[str, str, int]]:
    """(name, file, line)."""
    return [
        (f"Handler{n % 97}.process_{n}", f"/srv/shop/package_{n % 41}/module_{n % 211}.py", 10 + n % 900)
        for n in range(_FUNCTIONS)
    ]


def stacks(seed: int, number: int = STACKS_OF_A_SERVICE) -> list[list[int]]:
    """Different stacks by function, root first: walks of depth 15-60 over a call graph whose first calls are hot."""
    chance = np.random.default_rng(seed)
    popularity = 1 / np.arange(1, _FUNCTIONS + 1) ** 0.7
    callees = chance.choice(_FUNCTIONS, (_FUNCTIONS, 5), p=popularity / popularity.sum()).tolist()
    found: dict[tuple[int, ...], None] = {}
    while len(found) < number:
        at, path = 0, []
        turns = np.minimum(chance.geometric(0.7, int(chance.integers(15, 61))) - 1, 4)
        for turn in turns.tolist():
            at = callees[at][turn]
            path.append(at)
        found[tuple(path)] = None
    return [list(path) for path in found]


def profiles(seed: int, number: int) -> list[Profile]:
    """Heavy-tailed: a few stacks are in nearly every profile, most in few."""
    chance = np.random.default_rng(seed)
    weight = 1 / np.arange(1, STACKS_OF_A_SERVICE + 1) ** 0.9
    edges = np.cumsum(np.random.default_rng(0).permutation(weight))  # the same stacks are hot for every seed
    found = []
    for _ in range(number):
        drawn = np.searchsorted(edges, chance.random(int(chance.integers(150, 401)) * 3) * edges[-1])
        numbers, counts = np.unique(drawn[:1_000], return_counts=True)
        chosen = np.sort(chance.permutation(len(numbers))[: int(chance.integers(150, 401))])
        found.append(Profile(numbers[chosen].astype(np.uint32), counts[chosen].astype(np.int64)))
    return found
