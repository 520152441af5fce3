"""A profile of whichever format it is: told by its first bytes, not by its name."""

from __future__ import annotations

from collectors.formats import pprof
from collectors.formats.inflate import inflated
from collectors.formats.profile import BadProfile, Profile
from diagnose.ingest.formats import folded, speedscope

MOST_BYTES = 32 * 1024 * 1024
_SHOWN_BYTES = 4096
FORMATS = (
    "pprof, folded stacks (also py-spy's raw form and stackcollapse-perf.pl's) and speedscope files are read"
)


def read(data: bytes) -> tuple[str, Profile]:
    """Compressed or not. The format's name, and the profile. Raises BadProfile that says what can be read."""
    content = inflated(data, MOST_BYTES)
    name = _format_of(content)
    try:
        return name, _READERS[name](content)
    except BadProfile as error:
        raise BadProfile(f"taken for {name}, {error}. {FORMATS[0].upper()}{FORMATS[1:]}") from None


def _format_of(content: bytes) -> str:
    """JSON begins with a brace; what is text without control characters is folded stacks; all else may be pprof."""
    begin = content[:_SHOWN_BYTES].lstrip()
    if not begin:
        raise BadProfile(f"the file is empty: {FORMATS}")
    if begin.startswith(b"{"):
        return "speedscope"
    binary = any(byte < 32 and byte not in b"\t\n\r" for byte in begin)
    return "pprof" if binary else "folded"


_READERS = {"speedscope": speedscope.read, "pprof": pprof.read, "folded": folded.read}
