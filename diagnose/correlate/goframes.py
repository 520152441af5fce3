"""Frames of Go programs: whose a function is, and which the program's own is that counts."""

from __future__ import annotations

from diagnose.correlate.samples import Frame, Stack

# Top-level folders of Go's standard library (go list std); any other package is the program's or a module's.
_NAMES = """
archive bufio bytes cmp compress container context crypto database debug embed encoding errors expvar flag fmt go hash
html image index internal io iter log maps math mime net os path plugin reflect regexp runtime slices sort strconv
strings structs sync syscall testing text time unicode unique unsafe vendor weak
"""
_STANDARD = frozenset(_NAMES.split())


def package(name: str) -> str:
    """`net/http.(*conn).serve` → `net/http`; dots before the last slash belong to the module's path."""
    folders, slash, last = name.rpartition("/")
    return f"{folders}{slash}{last.partition('.')[0]}"


def is_standard(frame: Frame) -> bool:
    """Whether a function is of Go's own library or runtime."""
    return package(frame.name).partition("/")[0] in _STANDARD


def owner(stack: Stack) -> Frame:
    """The deepest frame that is not of the standard library; without any, the leaf."""
    return next((frame for frame in reversed(stack.frames) if not is_standard(frame)), stack.frames[-1])


def begun_at(stack: Stack) -> Frame:
    """The function that a goroutine was started with: `main.poll.func1` is a literal in `main.poll`."""
    return next((frame for frame in stack.frames if frame.name != "runtime.goexit"), stack.frames[0])


def place(frame: Frame) -> str:
    """Where to look, as editors take it."""
    return f"{frame.name} ({frame.file}:{frame.line})" if frame.line else f"{frame.name} ({frame.file})"


def short(frame: Frame) -> str:
    """The same without the directories, for sentences."""
    file = frame.file.rpartition("/")[2]
    return f"{frame.name} ({file}:{frame.line})" if frame.line else f"{frame.name} ({file})"
