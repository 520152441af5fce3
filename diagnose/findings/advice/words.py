"""Sizes and counts as advice says them."""

from __future__ import annotations

_UNITS = ("B", "kB", "MB", "GB", "TB")


def size(count: float) -> str:
    """Bytes in the unit a person would choose, by powers of 1024: 212 kB, 64 MB, 2 TB."""
    power = 0
    while count >= 1024 and power < len(_UNITS) - 1:
        count, power = count / 1024, power + 1
    return f"{count:.3g} {_UNITS[power]}" if count < 1000 else f"{count:.0f} {_UNITS[power]}"


def amount(value: float | str) -> str:
    """A count with its thousands separated; words as they are."""
    return value if isinstance(value, str) else f"{value:,.6g}" if value < 1e6 else f"{value:,.0f}"
