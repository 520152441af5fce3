"""Folded stacks, as Brendan Gregg's stackcollapse scripts write them: `a;b;c 42`, root first, one stack a line."""

from __future__ import annotations

import re

from collectors.formats.inflate import inflated
from collectors.formats.profile import BadProfile, Frame, Profile, Sample, ValueType
from diagnose.ingest.formats.text import MAX_COUNT

MOST_BYTES = 32 * 1024 * 1024
MOST_LINES = 500_000
MOST_DEPTH = 10_000
_SHOWN_CHARS = 60
SAMPLES = ValueType("samples", "count")
# A function may be named `#`, too; a remark has no count at its end.
_REMARK = re.compile(r"#(?!.* \d+$)")
_NO_FRAMES = "[no frames]"  # as our own export writes a stack without any


def read(data: bytes, value_type: ValueType = SAMPLES) -> Profile:
    """Compressed or not. The format does not say what it counts. Raises BadProfile that names the line."""
    frames: dict[Frame, int] = {}
    counts: dict[tuple[int, ...], int] = {}
    lines = inflated(data, MOST_BYTES).split(b"\n", MOST_LINES + 1)
    if len(lines) > MOST_LINES:
        raise BadProfile(f"the file has more than {MOST_LINES} lines: record a shorter time")
    for number, line in enumerate(lines, 1):
        text = line.decode("utf-8", "replace").strip()
        if not text or _REMARK.match(text):
            continue
        names, count = _parts(text, number)
        stack = tuple([frames.setdefault(Frame(name), len(frames)) for name in names])
        counts[stack] = counts.get(stack, 0) + count
    samples = [Sample(at, (count,)) for at, count in enumerate(counts.values())]
    return Profile([value_type], list(frames), list(counts), samples)


def _parts(text: str, number: int) -> tuple[list[str], int]:
    stack, _, count = text.rpartition(" ")
    if not (count.isascii() and count.isdigit() and len(count) <= len(str(MAX_COUNT))) or not stack:
        raise BadProfile(
            f"line {number} is {text[:_SHOWN_CHARS]!r}; a line is frames with semicolons between, "
            "a space, and a whole number"
        )
    if int(count) > MAX_COUNT:
        raise BadProfile(f"line {number} counts {count}; at most {MAX_COUNT} is possible")
    names = stack.split(";")
    if len(names) > MOST_DEPTH:
        raise BadProfile(f"line {number} has {len(names)} frames; at most {MOST_DEPTH} are read")
    return [] if names == [_NO_FRAMES] else names, int(count)
