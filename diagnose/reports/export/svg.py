"""A flame graph as one SVG picture, without a script: for documents; each bar tells its figures on hover."""

from __future__ import annotations

import colorsys
import re
from collections.abc import Iterator
from html import escape
from zlib import crc32

from diagnose.store.flamegraph import FlameGraph
from diagnose.store.names import FrameInfo

CONTENT_TYPE = "image/svg+xml"
_WIDTH, _ROW, _MARGIN, _HEAD = 1200, 17, 10, 34
_NARROWEST = 0.3  # pixels; what is narrower is not drawn, nor what is below it
_CHARACTER = 6.6  # pixels of the font below, about
_LEAST_TEXT = 3  # characters
# XML 1.0 has no place for these, not even escaped.
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


def export(graph: FlameGraph) -> str:
    """Icicle: the root on top."""
    depth = int(graph.depth.max(initial=0)) + 1
    height = _HEAD + depth * _ROW + _MARGIN
    title = f"{graph.service} {graph.merged.type}: {int(graph.total[0])} {graph.merged.unit}"
    bars = "".join(_bars(graph))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" width="{_WIDTH}" '
        f'height="{height}" font-family="monospace" font-size="11">'
        f'<rect width="100%" height="100%" fill="#ffffff"/>'
        f'<text x="{_MARGIN}" y="22" font-size="14" font-family="sans-serif">{_plain(title)}</text>{bars}</svg>\n'
    )


def _bars(graph: FlameGraph) -> Iterator[str]:
    whole = max(1, int(graph.total[0]))
    scale = (_WIDTH - 2 * _MARGIN) / whole
    next_at: list[int] = [0]
    columns = zip(
        graph.frame.tolist(), graph.depth.tolist(), graph.total.tolist(), graph.self.tolist(), strict=True
    )
    for number, depth, total, own in columns:
        begin = next_at[depth]
        del next_at[depth + 1 :]
        next_at[depth] = begin + total
        next_at.append(begin)
        if total * scale < _NARROWEST:
            continue
        frame = graph.frames[number]
        x, y = _MARGIN + begin * scale, _HEAD + depth * _ROW
        told = f"{_place(frame)}\n{total} of {whole} ({total / whole:.2%}), itself {own} ({own / whole:.2%})"
        yield (
            f"<g><title>{_plain(told)}</title>"
            f'<rect x="{x:.2f}" y="{y}" width="{max(total * scale - 0.4, 0.2):.2f}" height="{_ROW - 1}" '
            f'fill="{_fill(frame)}"/>{_label(frame.name, x, y, total * scale)}</g>'
        )


def _label(name: str, x: float, y: int, width: float) -> str:
    room = int((width - 6) / _CHARACTER)
    if room < _LEAST_TEXT:
        return ""
    text = name if len(name) <= room else f"{name[: room - 1]}…"
    return f'<text x="{x + 3:.2f}" y="{y + 12}">{_plain(text)}</text>'


def _place(frame: FrameInfo) -> str:
    place = f"{frame.file}:{frame.line}" if frame.line else frame.file
    return f"{frame.name}\n{place}" if place else frame.name


def _fill(frame: FrameInfo) -> str:
    """Warm, of one shade for what is of one module or file; light enough for black text."""
    seed = crc32((frame.module or frame.file or frame.name).encode("utf-8", "replace"))
    red, green, blue = colorsys.hls_to_rgb((8 + seed % 44) / 360, 0.72 + (seed >> 8) % 9 / 100, 0.78)
    return f"#{round(red * 255):02x}{round(green * 255):02x}{round(blue * 255):02x}"


def _plain(text: str) -> str:
    return escape(_FORBIDDEN.sub("�", text))
