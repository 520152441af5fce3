"""Reads py-spy's `raw` output: a line for each distinct stack, root first.

A line reads `thread (tid): name;function (file:line);… count`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

_THREAD = re.compile(r"thread \([^)]*\)(?:: (?P<name>.+))?", re.DOTALL)
_FRAME = re.compile(r"(?P<name>.+?) \((?P<file>.+?)(?::(?P<line>\d+))?\)", re.DOTALL)
# A server that starts a thread per request counts them on and on. Numbers of three digits and more name no thread
# that anybody would look for, and each would be a series and a branch of the flame graph of its own.
_COUNTED = re.compile(r"(\w+)-\d{3,}(?=\D|$)")
UNNAMED = "unnamed"
# A native function without a symbol has its address, which is another in each process.
_ADDRESS = re.compile(r"0x[0-9a-f]+")
UNKNOWN = "[unknown]"


@dataclass(frozen=True, slots=True)
class Frame:
    """One source position; line 0 is unknown, file '' is none."""

    name: str
    file: str
    line: int


@dataclass(frozen=True, slots=True)
class Line:
    """One distinct stack of one thread, root first, and in how many samples it was seen."""

    thread: str
    frames: tuple[Frame, ...]
    count: int


def parse(text: str) -> Iterator[Line]:
    """Lines that cannot be read are left out: a name with a line break in it breaks only its own stack."""
    known: dict[str, Frame] = {}
    for row in text.split("\n"):
        stack, _, count = row.rpartition(" ")
        head, *pieces = stack.split(";")
        thread = _THREAD.fullmatch(head)
        if thread is not None and count.isdigit():
            yield Line(thread_name(thread["name"]), tuple(_frames(pieces, known)), int(count))


def samples_by_thread(text: str) -> Counter[str]:
    """How often each thread was seen, by py-spy's own naming of threads."""
    found: Counter[str] = Counter()
    for row in text.split("\n"):
        stack, _, count = row.rpartition(" ")
        if count.isdigit():
            found[stack.partition(";")[0]] += int(count)
    return found


def thread_name(name: str | None) -> str:
    """The name without a running number: `Thread-4711 (handle)` becomes `Thread-N (handle)`; `worker-3` stays."""
    return _COUNTED.sub(r"\1-N", name, count=1) if name else UNNAMED


def _frames(pieces: list[str], known: dict[str, Frame]) -> Iterator[Frame]:
    """A file or function may hold a semicolon, so pieces are joined until they read as a frame.

    Most frames are in many stacks: each is read once.
    """
    pending = ""
    for piece in pieces:
        if not pending and piece in known:
            yield known[piece]
            continue
        pending += piece
        match = _FRAME.fullmatch(pending)
        if match is None:
            pending += ";"
            continue
        name = UNKNOWN if _ADDRESS.fullmatch(match["name"]) else match["name"]
        known[pending] = Frame(name, match["file"], int(match["line"] or 0))
        yield known[pending]
        pending = ""
    if pending:
        yield Frame(pending.rstrip(";"), "", 0)
