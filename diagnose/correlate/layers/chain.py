"""The members of a middleware chain, each with what it costs with all that it calls, but without those it wraps.

Python: the deepest frame of a middleware counts, unless the chain goes on or the view begins below it. Go: what a
handler function calls is a member where it was ever seen to call the next one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import pairwise

from diagnose.correlate.layers.frames import layer_of_frame
from diagnose.correlate.samples import Frame, Stack

# Where a chain hands on to the next member, or to the view: what is below belongs to nobody further out.
_HANDS_ON = (
    "django/core/handlers/exception.py",
    "django/core/handlers/base.py",
    "starlette/routing.py",
    "starlette/_exception_handler.py",
    "fastapi/routing.py",
    "werkzeug/routing/",
    "flask/app.py",
)
# An answer goes out through all members: what the server does with it is nobody's of them.
_SERVERS = ("/uvicorn/", "/gunicorn/", "/hypercorn/", "/granian/", "/daphne/", "/waitress/")
_GO_LINKS = ("net/http.HandlerFunc.ServeHTTP", "github.com/gin-gonic/gin.(*Context).Next")


def members(stacks: Iterable[Stack]) -> Counter[str]:
    """Samples by member, named as its class, else its module; of Go its function."""
    every = list(stacks)
    wrappers = {name for stack in every for name in _handed_on(stack.frames)[:-1]}
    counts: Counter[str] = Counter()
    for stack in every:
        name = _python_member(stack.frames) or _go_member(stack.frames, wrappers)
        if name:
            counts[name] += stack.count
    return counts


def _python_member(frames: Sequence[Frame]) -> str:
    for frame in reversed(frames):
        if _ends_chain(frame.file):
            return ""
        if _is_member(frame):
            return _python_name(frame)
    return ""


@lru_cache(10_000)
def _ends_chain(file: str) -> bool:
    return any(place in file for place in (*_HANDS_ON, *_SERVERS))


@lru_cache(10_000)
def _is_member(frame: Frame) -> bool:
    """By what it or its file is called; what else helps middleware is told with whoever uses it."""
    called = "Middleware" in frame.name or "middleware" in frame.file
    is_middleware = layer_of_frame(frame.name, frame.file, frame.module) == "middleware"
    return frame.file.endswith(".py") and called and is_middleware and "deprecation.py" not in frame.file


def _python_name(frame: Frame) -> str:
    """Its class, which CPython tells from 3.11 on, else its module."""
    owner = frame.name.partition(".")[0]
    if "Middleware" in owner:
        return owner
    path = frame.file.rpartition("-packages/")[2].removesuffix(".py").removesuffix("/__init__")
    return path.strip("/").replace("/", ".")


def _handed_on(frames: Sequence[Frame]) -> list[str]:
    """Whom Go's links called, root first."""
    return [after.name for link, after in pairwise(frames) if link.name in _GO_LINKS]


def _go_member(frames: Sequence[Frame], wrappers: set[str]) -> str:
    called = _handed_on(frames)
    return called[-1].removesuffix(".func1") if called and called[-1] in wrappers else ""
