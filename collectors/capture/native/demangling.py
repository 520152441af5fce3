"""Names as people wrote them: C++ (Itanium) and Rust (both schemes) unmangled; C, Go and the rest are so already."""

from __future__ import annotations

from functools import lru_cache

_PREFIXES = ("_Z", "_R", "__Z", "___Z")
_LONGEST = 1000
_KEPT = 8192


@lru_cache(maxsize=_KEPT)
def demangled(name: str) -> str:
    """The name itself when it is not mangled, or in a way nobody knows."""
    if not name.startswith(_PREFIXES):
        return name
    from demangle import demangle  # takes 30 ms and 7 MB, which most hosts' continuous samples never need

    return (demangle(name) or name)[:_LONGEST]
