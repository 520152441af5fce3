"""Which version of the collector this server has, and which are older."""

from __future__ import annotations

import re

from collectors import __version__

OURS = __version__


def of_agent(agent: str) -> str:
    """The version in what a collector calls itself, such as diagnose-collector/0.1.0; '' when it says none."""
    return agent.rpartition("/")[2] if "/" in agent else ""


def is_older(version: str, than: str = OURS) -> bool:
    """Of versions made of numbers and dots; one that cannot be read is not called old."""
    mine, other = _numbers(version), _numbers(than)
    return bool(mine and other) and mine < other


def _numbers(version: str) -> tuple[int, ...]:
    if not re.fullmatch(r"\d+(\.\d+)*", version):
        return ()
    numbers = [int(part) for part in version.split(".")]
    while len(numbers) > 1 and numbers[-1] == 0:
        numbers.pop()
    return tuple(numbers)
