"""Two faults at once, of services that have nothing to do with one another: the dearer one is to come first."""

from __future__ import annotations

from collections.abc import Mapping

from tests.faults.case import Case, Knobs
from tests.faults.cases import (
    accept_queue,
    connections,
    disks,
    golang,
    kernel_tables,
    memory,
    paths,
    processes,
)
from tests.faults.stage import Stage

_MODULES = (accept_queue, connections, disks, golang, kernel_tables, memory, paths, processes)
_CASES = {case.name: case for module in _MODULES for case in module.CASES}
# name and intensity of the dearer one, then of the other
PAIRS = (
    ("disk-full", "bytes", "memory-leak", "fast"),
    ("killed-for-memory", "usual", "close-wait-leak", "fast"),
    ("nobody-listens", "usual", "memory-leak", "fast"),
    ("broken-off", "fast", "goroutine-leak", "fast"),
    ("go-mutex", "5ms", "memory-leak", "fast"),
    ("small-memory-limit", "tenth", "goroutine-leak", "fast"),
    ("conntrack-full", "small", "memory-leak", "fast"),
    ("slow-acceptor", "usual", "disk-full", "soon"),
    ("packet-loss", "five", "memory-leak", "fast"),
    ("task-limit", "few", "goroutine-leak", "fast"),
)


def _pair(name: str, intensity: str, second: str, second_intensity: str) -> Case:
    dearer, other = _CASES[name], _CASES[second]
    parts: tuple[tuple[Case, Mapping[str, float]], ...] = (
        (dearer, dearer.intensities[intensity]),
        (other, other.intensities[second_intensity]),
    )

    def set_up(stage: Stage, _: Knobs) -> None:
        for case, knobs in parts:
            if case.set_up:
                case.set_up(stage, knobs)

    def play(stage: Stage, _: Knobs) -> None:
        for case, knobs in parts:
            case.play(stage, knobs)

    return Case(
        name=f"{name}-and-{second}",
        family="pairs",
        story=f"Two at once. {dearer.story} {other.story}",
        fix=f"{dearer.fix} {other.fix}",
        truth=dearer.truth,
        also=other.truth,
        set_up=set_up,
        play=play,
        needs=dearer.needs + other.needs,
        patience_seconds=60.0,
        alone=dearer.alone or other.alone,
    )


CASES = [_pair(*each) for each in PAIRS]
