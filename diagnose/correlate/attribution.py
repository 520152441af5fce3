"""To which function time belongs: the deepest one of the service's own, library time beneath it included."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from diagnose.correlate.samples import Frame, Stack

_INSTALLED = ("/site-packages/", "/dist-packages/", "/lib/python3", "/lib64/python3")
# Library functions in which a thread waits for work or for a peer. py-spy finds most of them idle by itself, but
# takes a thread that is just waking up for a running one.
_WAITING = frozenset(
    ("accept", "select", "poll", "wait", "_wait_for_tstate_lock", "join", "readinto", "sleep", "get")
)
_ACCEPTING = frozenset(("accept", "get_request", "serve_forever", "_handle_request_noblock", "run_forever"))
LOCKING = frozenset(("acquire", "__enter__"))


@dataclass(frozen=True, slots=True)
class Function:
    """A function of the service and how many samples belong to it; `line` is where most of them were."""

    name: str
    file: str
    line: int
    count: int

    @property
    def place(self) -> str:
        """Where to look, as editors take it."""
        return f"{self.name} ({self.file}:{self.line})" if self.line else f"{self.name} ({self.file})"

    @property
    def short(self) -> str:
        """The same without the directories, for sentences."""
        file = self.file.rpartition("/")[2]
        return f"{self.name} ({file}:{self.line})" if self.line else f"{self.name} ({file})"


def is_library(frame: Frame) -> bool:
    """Whether a frame is of the interpreter, its standard library or an installed package.

    py-spy strips the import path from file names unless asked not to: both forms are known here.
    """
    return _is_library_file(frame.file)


@lru_cache(10_000)
def _is_library_file(file: str) -> bool:
    if not file or file.startswith("<") or any(part in file for part in _INSTALLED):
        return True
    top = file.partition("/")[0]
    return top.removesuffix(".py") in sys.stdlib_module_names


def is_waiting(stack: Stack) -> bool:
    """Whether the thread waited in a library's blocking call."""
    leaf = stack.frames[-1]
    return leaf.name.rpartition(".")[2] in _WAITING and is_library(leaf)


def is_blocked_in_own_code(stack: Stack) -> bool:
    """Whether a waiting thread's own function waits, or a library's lock: not a library's loop that waits for work."""
    leaf = stack.frames[-1]
    return not is_library(leaf) or leaf.name.rpartition(".")[2] in LOCKING


def is_accepting(stack: Stack) -> bool:
    """Whether the stack runs through a loop that takes connections from a listener."""
    return any(frame.name.rpartition(".")[2] in _ACCEPTING and is_library(frame) for frame in stack.frames)


def owner(stack: Stack) -> Frame:
    """The deepest frame of the service's own code; without any, the leaf."""
    return next((frame for frame in reversed(stack.frames) if not is_library(frame)), stack.frames[-1])


def functions(stacks: Iterable[Stack]) -> tuple[Function, ...]:
    """Samples by owning function, most first. A recursive call counts once."""
    counts: Counter[tuple[str, str]] = Counter()
    lines: dict[tuple[str, str], Counter[int]] = {}
    for stack in stacks:
        frame = owner(stack)
        key = (frame.name, frame.file)
        counts[key] += stack.count
        lines.setdefault(key, Counter())[frame.line] += stack.count
    return tuple(
        Function(name, file, lines[name, file].most_common(1)[0][0], count)
        for (name, file), count in counts.most_common()
    )
