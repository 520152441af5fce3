"""A picture of readings as SVG, for reports: they are printed, and opened where there is no script or server."""

from __future__ import annotations

import html
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from itertools import pairwise

from diagnose.reports.diagnosis.document import Curve, Picture

WIDTH, HEIGHT = 640.0, 150.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 58.0, 8.0, 10.0, 20.0
# Room above the highest value, so that a curve does not touch the edge.
_HEADROOM = 1.08
# A hole this many times the usual distance between readings is shown as a hole.
_HOLE = 3.0


def svg(picture: Picture) -> str:
    """Colours come from the page's style: classes `picture__…`; the text is escaped."""
    highest = _HEADROOM * max(_highest(picture), 1e-12)
    scale = _Scale(picture.span.start.timestamp(), picture.span.end.timestamp(), highest)
    name = html.escape(f"{picture.metric}, {_names(picture.curves)}")
    parts = [
        f'<svg class="picture" viewBox="0 0 {WIDTH:g} {HEIGHT:g}" role="img" aria-label="{name}">',
        _band(picture, scale),
        *_grid(highest, picture.unit, scale),
        *_times(picture, scale),
        *(_path(curve, number, scale) for number, curve in enumerate(picture.curves, 1)),
        _limit(picture, scale),
        "</svg>",
    ]
    return "".join(parts)


class _Scale:
    """From Unix seconds and values to places in the drawing."""

    def __init__(self, start: float, end: float, highest: float) -> None:
        self._start, self._seconds, self._highest = start, max(end - start, 1e-9), highest

    def x(self, at: float) -> float:
        share = min(1.0, max(0.0, (at - self._start) / self._seconds))
        return _LEFT + share * (WIDTH - _LEFT - _RIGHT)

    def y(self, value: float) -> float:
        return HEIGHT - _BOTTOM - max(0.0, value) / self._highest * (HEIGHT - _TOP - _BOTTOM)


def _highest(picture: Picture) -> float:
    values = [value for curve in picture.curves for value in curve.values]
    return max([*values, picture.limit or 0.0], default=0.0)


def _names(curves: Sequence[Curve]) -> str:
    return ", ".join(curve.name for curve in curves)


def _band(picture: Picture, scale: _Scale) -> str:
    left, right = scale.x(picture.judged.start.timestamp()), scale.x(picture.judged.end.timestamp())
    height = HEIGHT - _TOP - _BOTTOM
    return f'<rect class="picture__band" x="{left:.1f}" y="{_TOP:g}" width="{right - left:.1f}" height="{height:g}"/>'


def _grid(highest: float, unit: str, scale: _Scale) -> Iterator[str]:
    for value in (0.0, highest / _HEADROOM / 2, highest / _HEADROOM):
        y = scale.y(value)
        yield f'<line class="picture__grid" x1="{_LEFT:g}" x2="{WIDTH - _RIGHT:g}" y1="{y:.1f}" y2="{y:.1f}"/>'
        yield _text(_LEFT - 6, y + 4, "end", _short(value, unit))


def _text(x: float, y: float, anchor: str, text: str) -> str:
    return f'<text class="picture__text" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{text}</text>'


def _short(value: float, unit: str) -> str:
    """At most three digits and a prefix."""
    steps = ((1e9, "G"), (1e6, "M"), (1e3, "k"), (1.0, ""))
    size, prefix = next(((size, prefix) for size, prefix in steps if abs(value) >= size), (1.0, ""))
    return f"{value / size:.3g}{prefix}{unit}"


def _times(picture: Picture, scale: _Scale) -> Iterator[str]:
    start, end = picture.span.start.timestamp(), picture.span.end.timestamp()
    for share, anchor in ((0.0, "start"), (0.5, "middle"), (1.0, "end")):
        at = start + share * (end - start)
        text = f"{datetime.fromtimestamp(at, UTC):%H:%M:%S}"
        yield _text(scale.x(at), HEIGHT - 5, anchor, text)


def _path(curve: Curve, number: int, scale: _Scale) -> str:
    points = list(zip(curve.times, curve.values, strict=True))
    gaps = sorted(later - earlier for (earlier, _), (later, _) in pairwise(points))
    hole = _HOLE * gaps[len(gaps) // 2] if gaps else 0.0
    steps, last = [], None
    for at, value in points:
        go = "L" if last is not None and at - last <= hole else "M"
        steps.append(f"{go}{scale.x(at):.1f} {scale.y(value):.1f}")
        last = at
    title = html.escape(curve.name)
    return f'<path class="picture__curve picture__curve--{number}" d="{"".join(steps)}"><title>{title}</title></path>'


def _limit(picture: Picture, scale: _Scale) -> str:
    if picture.limit is None:
        return ""
    y = scale.y(picture.limit)
    return f'<line class="picture__limit" x1="{_LEFT:g}" x2="{WIDTH - _RIGHT:g}" y1="{y:.1f}" y2="{y:.1f}"/>'
