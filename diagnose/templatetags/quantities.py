"""Numbers and times as people read them. Values are SI; None (absent) is a dash, never a zero."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

from django import template
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext, gettext_noop

register = template.Library()
ABSENT = "–"
# What an exchange with the server can tell of its clock.
_IN_STEP_SECONDS = 0.05
_LONG_SECONDS = 120.0
_SMALL = ((1.0, "s"), (1e3, "ms"), (1e6, "µs"), (1e9, "ns"))
_BINARY = ("B", "KiB", "MiB", "GiB", "TiB", "PiB")
_STEPS = (
    (86400, gettext_noop("d")),
    (3600, gettext_noop("h")),
    (60, gettext_noop("min")),
    (1, gettext_noop("s")),
)


def _finite(value: float | None) -> bool:
    return value is not None and math.isfinite(value)


@register.filter
def compact(value: float | None) -> str:
    """Three significant digits, thousands apart: 0.0421, 3.14, 285, 12,400."""
    if value is None or not math.isfinite(value):
        return ABSENT
    if value == 0:
        return "0"
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    digits = max(0, 2 - math.floor(math.log10(abs(value))))
    text = f"{value:.{min(digits, 6)}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


@register.filter
def size(value: float | None) -> str:
    """Bytes in binary units."""
    if value is None or not math.isfinite(value):
        return ABSENT
    step = 0
    while abs(value) >= 1024 and step < len(_BINARY) - 1:
        value, step = value / 1024, step + 1
    return (
        f"{value:.0f} {_BINARY[step]}" if step == 0 or abs(value) >= 100 else f"{value:.1f} {_BINARY[step]}"
    )


@register.filter
def percent(ratio: float | None) -> str:
    """A ratio 0-1 as a percentage; below ten percent with one decimal."""
    if ratio is None or not math.isfinite(ratio):
        return ABSENT
    return f"{ratio * 100:.1f} %" if 0 < abs(ratio) < 0.0995 else f"{ratio * 100:.0f} %"


@register.filter
def duration(seconds: float | None) -> str:
    """The two largest units: 45 s, 12 min, 3 h 20 min, 2 d 4 h."""
    if seconds is None or not math.isfinite(seconds):
        return ABSENT
    if abs(seconds) < 1:
        return f"{seconds * 1000:.0f} ms"
    left = round(abs(seconds))
    parts: list[tuple[int, str]] = []
    for length, unit in _STEPS:
        if left >= length or parts:
            parts.append((left // length, unit))
            left %= length
    shown = [
        f"{count} {gettext(unit)}"
        for count, unit in parts[:2]
        if count and not (unit == "s" and len(parts) > 1)
    ]
    return " ".join(shown)


@register.filter
def short(seconds: float | None) -> str:
    """A latency with three digits: 84 µs, 1.25 ms, 340 ms, 2.1 s; from two minutes on as a duration."""
    if seconds is None or not math.isfinite(seconds):
        return ABSENT
    if abs(seconds) >= _LONG_SECONDS:
        return duration(seconds)
    factor, unit = next((each for each in _SMALL if abs(seconds) * each[0] >= 1), _SMALL[-1])
    return f"{compact(seconds * factor)} {unit}"


@register.filter
def points(ratio: float | None) -> str:
    """A difference of shares: +3.2 points. Under a tenth of a point nothing moved."""
    if ratio is None or not math.isfinite(ratio):
        return ABSENT
    return gettext("%(n)s points") % {"n": f"{ratio * 100:+.1f}"} if abs(ratio) >= 0.001 else "="


@register.filter
def quantity(value: float | None, unit: str | None) -> str:
    """A measured value with its unit, in the form that suits the unit."""
    forms = {"bytes": size, "ratio": percent, "seconds": duration, "s": duration}
    if unit in forms:
        return forms[unit](value)
    return f"{compact(value)} {unit}" if unit and _finite(value) else compact(value)


@register.filter
def measured(value: float | None, unit: str) -> str:
    """As `quantity`, but times with three digits."""
    return short(value) if unit == "s" else quantity(value, unit)


@register.filter
def signed_percent(ratio: float | None) -> str:
    """A relative difference: +12 %, −4.2 %."""
    text = percent(ratio)
    return f"+{text}" if ratio is not None and ratio > 0 and text != ABSENT else text.replace("-", "−")


@register.filter
def moment(value: str | datetime | None) -> datetime | None:
    """ISO 8601 text of the API's form as a time."""
    if value is None or value == "":
        return None
    at = datetime.fromisoformat(value) if isinstance(value, str) else value
    return at if at.tzinfo else at.replace(tzinfo=UTC)


@register.filter
def seconds_since(value: str | datetime | None) -> float | None:
    at = moment(value)
    return None if at is None else (timezone.now() - at).total_seconds()


@register.filter
def skew(seconds: float | None) -> str:
    """How far a clock is off: 62 ms behind, 3 s ahead, in step."""
    if seconds is None:
        return ABSENT
    if abs(seconds) < _IN_STEP_SECONDS:
        return gettext("in step")
    words = gettext("%(span)s ahead") if seconds > 0 else gettext("%(span)s behind")
    return words % {"span": duration(abs(seconds))}


@register.filter
def ago(value: str | datetime | None) -> SafeString | str:
    """A `<time>` that says how long ago, with the exact time (UTC) on hover; static/js/clock.js keeps it right."""
    at = moment(value)
    if at is None:
        return gettext("never")
    past = timezone.now() - at
    span = duration(abs(past).total_seconds())
    words = gettext("%(span)s ago") if past > timedelta() else gettext("in %(span)s")
    text = gettext("now") if abs(past) < timedelta(seconds=1) else words % {"span": span}
    exact = at.astimezone(UTC)
    return format_html(
        '<time data-ago datetime="{}" title="{}">{}</time>',
        exact.isoformat(timespec="seconds"),
        f"{exact:%Y-%m-%d %H:%M:%S} UTC",
        text,
    )


@register.filter
def exactly(value: str | datetime | None) -> SafeString | str:
    """A `<time>` with date and time in UTC."""
    at = moment(value)
    if at is None:
        return ABSENT
    exact = at.astimezone(UTC)
    return format_html(
        '<time data-exact datetime="{}">{}</time>', exact.isoformat(), f"{exact:%Y-%m-%d %H:%M:%S}"
    )


@register.filter
def unix(value: str | datetime | None) -> int | None:
    """Unix seconds, for time ranges in addresses."""
    at = moment(value)
    return None if at is None else int(at.timestamp())
