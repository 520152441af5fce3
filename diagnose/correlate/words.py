"""Numbers as sentences show them."""

from __future__ import annotations

import math


def number(value: float) -> str:
    """Three significant digits, thousands separated: 1,203, 42.5, 0.31."""
    if value == 0 or not math.isfinite(value):
        return "0" if value == 0 else "unbounded"
    if abs(value) >= 100 or value == int(value):
        return f"{value:,.0f}"
    return f"{value:.3g}"


def percent(share: float) -> str:
    """A share 0…1 in whole percent, one decimal below 1 %."""
    return f"{share:.1%}".replace("%", " %") if 0 < share < 0.01 else f"{share:.0%}".replace("%", " %")


def duration(seconds: float) -> str:
    """The unit a person would choose: 40 s, 12 min, 3.5 h."""
    if seconds < 120:
        return f"{seconds:.0f} s"
    if seconds < 7200:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.3g} h"


def size(count: float) -> str:
    """Bytes in powers of 1024: 512 B, 1.5 GiB."""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if abs(count) < 1000:
            return f"{number(round(count, 1))} {unit}"
        count /= 1024
    return f"{number(round(count, 1))} TiB"
