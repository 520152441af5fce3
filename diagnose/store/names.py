"""Strings, frames and stacks as they come: each written once for all profiles of a batch, in flat arrays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from diagnose.store import digests
from diagnose.store.digests import Lanes


class FrameInfo(NamedTuple):
    """One source position; line 0 is unknown."""

    name: str
    file: str
    line: int
    module: str


class Paths(NamedTuple):
    """Stacks of frame indexes, root first, one after the other: the first `lengths[0]` of `frames` and so on."""

    frames: NDArray[np.integer[Any]]
    lengths: NDArray[np.int64]


@dataclass(frozen=True)
class Names:
    """What the profiles of one batch are about, each written once.

    `text` is the UTF-8 of all strings, `text_lengths` their bytes. A column of `frames` has the numbers of its name
    and file, its line, and the number of its module; `paths` number the columns.
    """

    text: bytes
    text_lengths: NDArray[np.int64]
    frames: NDArray[np.int64]
    paths: Paths

    @cached_property
    def text_digests(self) -> Lanes:
        return digests.of_texts(self.text, self.text_lengths)

    @cached_property
    def frame_digests(self) -> Lanes:
        names, files, lines, modules = self.frames
        text = self.text_digests
        return digests.of_rows(text[:, names], text[:, files], digests.of_numbers(lines), text[:, modules])

    @cached_property
    def path_digests(self) -> Lanes:
        return digests.of_sequences(self.frame_digests, *self.paths)

    @cached_property
    def _text_ends(self) -> NDArray[np.int64]:
        return np.cumsum(self.text_lengths)

    @cached_property
    def _path_ends(self) -> NDArray[np.int64]:
        return np.cumsum(self.paths.lengths)

    def string(self, number: int) -> str:
        end = int(self._text_ends[number])
        return self.text[end - int(self.text_lengths[number]) : end].decode()

    def frame(self, number: int) -> FrameInfo:
        name, file, line, module = self.frames[:, number].tolist()
        return FrameInfo(self.string(name), self.string(file), line, self.string(module))

    def path(self, number: int) -> NDArray[np.integer[Any]]:
        end = int(self._path_ends[number])
        return self.paths.frames[end - int(self.paths.lengths[number]) : end]


def flattened(stacks: Sequence[Sequence[int]]) -> Paths:
    """Raises OverflowError for what does not fit into 64 bits."""
    lengths = np.fromiter(map(len, stacks), np.int64, len(stacks))
    return Paths(np.fromiter(chain.from_iterable(stacks), np.int64, int(lengths.sum())), lengths)


def spelled_out(
    frames: Sequence[FrameInfo], paths: Paths, threads: Sequence[str]
) -> tuple[Names, NDArray[np.int64]]:
    """Names of frames and threads given one by one, and the number of each thread among the strings."""
    strings: dict[str, int] = {}

    def number(text: str) -> int:
        return strings.setdefault(text, len(strings))

    rows = [(number(one.name), number(one.file), one.line, number(one.module)) for one in frames]
    at_thread = np.array([number(thread) for thread in threads], np.int64)
    texts = [text.encode() for text in strings]
    lengths = np.array([len(text) for text in texts], np.int64)
    names = Names(b"".join(texts), lengths, np.array(rows, np.int64).reshape(-1, 4).T, paths)
    return names, at_thread
