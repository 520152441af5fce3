"""Rows as people read them in a terminal."""

from __future__ import annotations

import sys
import unicodedata
from collections.abc import Sequence

_GAP = "  "


def printed(headings: Sequence[str], rows: Sequence[Sequence[str]], numbers: Sequence[int] = ()) -> None:
    """On standard output; the columns `numbers` are set right. Nothing of a name can move the cursor."""
    cells = [list(map(plain, row)) for row in rows]
    widths = [max(map(len, column)) for column in zip(headings, *cells, strict=True)]
    for row in ([*headings], *cells):
        parts = [
            text.rjust(width) if place in numbers else text.ljust(width)
            for place, (text, width) in enumerate(zip(row, widths, strict=True))
        ]
        sys.stdout.write(_GAP.join(parts).rstrip() + "\n")


def plain(text: str) -> str:
    """In one line and without control characters, which hosts' names may have."""
    return "".join("�" if unicodedata.category(char)[0] == "C" else char for char in " ".join(text.split()))


def percent(ratio: float) -> str:
    return f"{ratio:.1%}" if ratio < 0.0995 else f"{ratio:.0%}"
