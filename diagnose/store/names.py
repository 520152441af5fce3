"""Stacks as they come: each by its digest, and in words only when somebody asks for them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from collectors import stackdigests


class FrameInfo(NamedTuple):
    """One source position; line 0 is unknown."""

    name: str
    file: str
    line: int
    module: str


class Spelled(NamedTuple):
    """Stacks in words: by their numbers in the batch the digests of their frames, root first, and what these are."""

    paths: Mapping[int, Sequence[bytes]]
    frames: Mapping[bytes, FrameInfo]


@dataclass(frozen=True, slots=True)
class Names:
    """What the profiles of one batch are about: the digests (`collectors.stackdigests`) of its stacks, its threads.

    `spell` puts some of the stacks into words, and answers for it that their digests are right.
    """

    path_digests: NDArray[np.uint64]
    threads: Sequence[str]
    spell: Callable[[Collection[int]], Spelled]


def given(frames: Sequence[FrameInfo], stacks: Sequence[Sequence[int]], threads: Sequence[str]) -> Names:
    """Names of stacks that are in words already."""
    frame_digests = [
        stackdigests.of_frame(one.name.encode(), one.file.encode(), one.line, one.module.encode())
        for one in frames
    ]
    paths = [[frame_digests[frame] for frame in stack] for stack in stacks]
    digests = b"".join(map(stackdigests.of_path, paths))
    spelled = Spelled(dict(enumerate(paths)), dict(zip(frame_digests, frames, strict=True)))
    return Names(np.frombuffer(digests, "<u8"), threads, lambda _: spelled)
