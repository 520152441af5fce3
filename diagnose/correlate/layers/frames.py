"""Which layer one frame is of, and which one a stack's time belongs to."""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import lru_cache

from diagnose.correlate.layers.table import CALLER, Layer, table
from diagnose.correlate.samples import Frame, Stack

OWN, OTHER, KERNEL = "own", "other", "kernel"
_KERNEL_MODULE = "[kernel]"
_STANDARD = sys.stdlib_module_names
_INSTALLED = re.compile(
    r".*/(?P<place>site-packages|dist-packages|lib(?:64)?/python3(?:\.\d+)?)/(?P<path>.+)"
)
_GO_NAME = re.compile(r"(?:[\w.~%@-]+/)*[\w.~%-]+\.[\w(].*")
# What a compiler appends to names of C; such a name has no dot otherwise.
_CLONED = re.compile(r".*\.(?:isra|cold|part|constprop|lto_priv|llvm)\b.*")
# The first part of the paths of Go's own packages (1.24).
_GO_STANDARD = re.compile(
    "(?:archive|bufio|builtin|bytes|cmp|compress|container|context|crypto|database|debug|embed|encoding|errors|expvar|flag"
    "|fmt|go|hash|html|image|index|internal|io|iter|log|maps|math|mime|net|os|path|plugin|reflect|regexp|runtime|slices"
    "|sort|strconv|strings|structs|sync|syscall|testing|text|time|type|unicode|unique|unsafe|vendor|weak)[./:].*"
)
_GO_DOWNLOADED = ("/pkg/mod/", "/vendor/", "/gocode/src/")


def layers() -> tuple[Layer, ...]:
    """All there are, in the order in which they are shown."""
    return tuple(table().layers.values())


def layer_of_frame(name: str, file: str, module: str = "") -> str | None:
    """The layer's id; None for what only helps whoever calls it, as most of a standard library does."""
    found = _layer(name, file, module)
    return None if found == CALLER else found


def layer_of(frames: Sequence[Frame]) -> str:
    """The layer of a stack, root first: the deepest frame's that has one, unless a layer further out absorbs it.

    Below a system call whose purpose no frame of the kernel tells it is the kernel; without any frame that is known
    it is OTHER.
    """
    known, found, was_kernel = table().layers, "", False
    for frame in reversed(frames):
        is_kernel = _KERNEL_MODULE in (frame.file, frame.module)
        layer = _layer(frame.name, frame.file, frame.module)
        if not found and was_kernel and not is_kernel:
            found = KERNEL
        was_kernel = is_kernel
        if layer == CALLER:
            continue
        if not found or known[layer].takes(found):
            found = layer
    return found or (KERNEL if was_kernel else OTHER)


def by_layer(stacks: Iterable[Stack]) -> Counter[str]:
    """Samples by layer."""
    counts: Counter[str] = Counter()
    for stack in stacks:
        counts[layer_of(stack.frames)] += stack.count
    return counts


@lru_cache(100_000)
def _layer(name: str, file: str, module: str) -> str:
    if _KERNEL_MODULE in (file, module):
        return table().find("kernel", name) or CALLER
    if name.startswith("[") and not file:  # [truncated] and the like tell nothing
        return CALLER
    if file.endswith(".go"):
        return _of_go(name, file)
    if _is_python(file):
        return _of_python(name, file)
    if _is_native_library(file) or not _GO_NAME.fullmatch(name) or "::" in name or _CLONED.fullmatch(name):
        return _of_native(name, file)
    return _of_go(name, file)


def _is_python(file: str) -> bool:
    return file.endswith((".py", ".html", ".jinja", ".jinja2", ".j2")) or file.startswith("<")


def _is_native_library(file: str) -> bool:
    return ".so" in file.rpartition("/")[2]


def _of_python(name: str, file: str) -> str:
    """A file outside of the interpreter's and its packages' places is the service's own, unless its name tells."""
    installed = _INSTALLED.fullmatch(file)
    path = installed["path"] if installed else file
    found = table().find("python", f"{path}:{name}")
    if found:
        return found
    if installed and installed["place"].endswith("packages"):
        return OTHER
    helps = installed or file.startswith("<") or path.partition("/")[0].removesuffix(".py") in _STANDARD
    return CALLER if helps else OWN


def _of_go(name: str, file: str) -> str:
    found = table().find("go", name)
    if found:
        return found
    if _GO_STANDARD.fullmatch(name):
        return CALLER
    downloaded = "@" in file or any(part in file for part in _GO_DOWNLOADED)
    return OTHER if downloaded else OWN


def _of_native(name: str, file: str) -> str:
    library = file.rpartition("/")[2].partition(".")[0]
    return table().find("native", f"{library}:{name}") or (OTHER if _is_native_library(file) else OWN)
