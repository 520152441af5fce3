"""The names of a table of profiles: read, bounded and checked only when it has a stack that nobody has met."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import msgspec
import numpy as np
import zstandard
from numpy.typing import NDArray

from collectors import stackdigests, wire
from collectors.stackdigests import DIGEST_BYTES
from diagnose.ingest.content import Malformed
from diagnose.ingest.formats.columns import column
from diagnose.ingest.formats.text import cut
from diagnose.store.names import FrameInfo, Spelled

MAX_DEPTH = 2_000
_MAX_PATH_FRAMES = 10_000_000
_STRING_CHARS = 1_000


def stated_bytes(names: bytes) -> int:
    """What names say that they take; 0 when they do not say it, which makes them unreadable."""
    try:
        return max(0, zstandard.frame_content_size(names))
    except zstandard.ZstdError:
        return 0


def spelled(names: bytes, claimed: bytes, wanted: Collection[int]) -> Spelled:
    """These stacks in words. Raises Malformed, also when one's digest is not what it claims.

    Of a very deep stack the innermost frames are kept: there the time is spent.
    """
    table = _read(names, len(claimed) // DIGEST_BYTES)
    paths = {number: table.path(number) for number in wanted}
    used = np.unique(np.concatenate([np.empty(0, np.int64), *paths.values()])).tolist()
    frames = {number: table.frame(number) for number in used}
    digests = {number: stackdigests.of_frame(*frame) for number, frame in frames.items()}
    found: dict[int, list[bytes]] = {}
    for number, path in paths.items():
        mine = [digests[frame] for frame in path.tolist()]
        _check(number, stackdigests.of_path(mine), claimed)
        found[number] = mine[-MAX_DEPTH:]
    return Spelled(found, {digests[number]: _info(*frame) for number, frame in frames.items()})


def _check(number: int, digest: bytes, claimed: bytes) -> None:
    said = claimed[number * DIGEST_BYTES : (number + 1) * DIGEST_BYTES]
    if digest != said:
        raise Malformed(
            f"stack {number} of a table has {said.hex()} in 'path_digests', but its names give {digest.hex()}: "
            "install the collector that comes with this server"
        )


_Frame = tuple[bytes, bytes, int, bytes]


def _info(name: bytes, file: bytes, line: int, module: bytes) -> FrameInfo:
    try:
        texts = [cut(text.decode(), _STRING_CHARS) for text in (name, file, module)]
    except UnicodeDecodeError as error:
        raise Malformed(f"a string of a table is no UTF-8 ({error}); check text_lengths") from None
    return FrameInfo(texts[0], texts[1], line, texts[2])


@dataclass(frozen=True, slots=True)
class _Table:
    """Where each string and path ends, and the four numbers of each frame in a row."""

    text: bytes
    text_ends: NDArray[np.int64]
    text_lengths: NDArray[np.int64]
    frames: NDArray[np.int64]
    path_frames: NDArray[np.int64]
    path_ends: NDArray[np.int64]
    path_lengths: NDArray[np.int64]

    def path(self, number: int) -> NDArray[np.int64]:
        end = int(self.path_ends[number])
        return self.path_frames[end - int(self.path_lengths[number]) : end]

    def frame(self, number: int) -> _Frame:
        name, file, line, module = self.frames[number].tolist()
        return self._string(name), self._string(file), line, self._string(module)

    def _string(self, number: int) -> bytes:
        end = int(self.text_ends[number])
        return self.text[end - int(self.text_lengths[number]) : end]


def _read(names: bytes, stacks: int) -> _Table:
    """Raises Malformed."""
    try:
        # No more room than the frame says it needs, and `native.read` has seen what it says.
        table = wire.decode_names(zstandard.ZstdDecompressor().decompress(names))
    except (zstandard.ZstdError, msgspec.MsgspecError, RecursionError) as error:
        raise Malformed(f"the names of a table cannot be read ({error}); its stacks are new here") from None
    text_lengths, text_ends = _parts(table.text_lengths, "text_lengths", len(table.text))
    strings = len(text_lengths)
    named = column(table.frame_names, "frame_names", strings)
    frames = (
        named,
        column(table.frame_files, "frame_files", strings, len(named)),
        column(table.frame_lines, "frame_lines", 1 << 31, len(named)),
        column(table.frame_modules, "frame_modules", strings, len(named)),
    )
    path_frames = column(table.paths, "paths", len(named))
    if len(path_frames) > _MAX_PATH_FRAMES:
        raise Malformed(f"the stacks of a table have {len(path_frames)} frames; sample less")
    path_lengths, path_ends = _parts(table.path_lengths, "path_lengths", len(path_frames), stacks)
    return _Table(
        table.text, text_ends, text_lengths, np.stack(frames, 1), path_frames, path_ends, path_lengths
    )


def _parts(
    lengths: bytes, what: str, whole: int, number: int | None = None
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Lengths of parts that lie one after the other, and where they end. Raises Malformed."""
    found = column(lengths, what, whole + 1, number)
    ends = np.cumsum(found)
    if (int(ends[-1]) if len(ends) else 0) != whole:
        raise Malformed(f"column {what!r} is of {ends[-1:].sum()} in sum, not of {whole} as there are")
    return found, ends
