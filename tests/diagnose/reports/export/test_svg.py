"""The picture: well-formed whatever the names are, in proportion, and without a script."""

from __future__ import annotations

from xml.etree import ElementTree

import numpy as np

from diagnose.reports.export import svg
from diagnose.store.flamegraph import FlameGraph
from diagnose.store.names import FrameInfo
from diagnose.store.profiles import empty

SVG = "{http://www.w3.org/2000/svg}"


def picture(names: list[str], depths: list[int], totals: list[int]) -> ElementTree.Element:
    frames = [FrameInfo(name, "", 0, "") for name in names]
    numbers = [np.array(column, np.int64) for column in (range(len(names)), depths, totals, totals)]
    frame, depth, total, own = numbers
    graph = FlameGraph("shop", empty("cpu"), 0.0, len(names), frames, frame, depth, total, own)
    return ElementTree.fromstring(svg.export(graph))


def bars(root: ElementTree.Element) -> list[tuple[float, float, float]]:
    found = [group.find(f"{SVG}rect") for group in root.findall(f"{SVG}g")]
    return [
        tuple(float(bar.attrib[name]) for name in ("x", "y", "width")) for bar in found if bar is not None
    ]


def test_siblings_stand_side_by_side_below_their_caller() -> None:
    root = picture(["all", "a", "b", "c"], [0, 1, 2, 1], [100, 75, 75, 25])
    (x, y, width), (ax, ay, a), (bx, by, b), (cx, cy, c) = bars(root)
    assert (ax, bx, ay, cy) == (x, x, cy, ay)
    assert y < ay < by
    assert cx == ax + round((width + 0.4) * 0.75, 2)
    assert (round(a / c, 1), a) == (3.0, b)


def test_what_nobody_could_see_is_left_out() -> None:
    assert len(bars(picture(["all", "a", "b"], [0, 1, 1], [10**6, 10**6 - 1, 1]))) == 2


def test_hostile_names_stay_text() -> None:
    names = ["all", "<script>alert(1)</script>", 'a"b&c\x00\x08\ud800', "x" * 10_000]
    root = picture(names, [0, 1, 2, 3], [10, 10, 10, 10])
    assert {element.tag for element in root.iter()} == {
        f"{SVG}{name}" for name in ("svg", "rect", "text", "g", "title")
    }
    titles = [title.text or "" for title in root.iter(f"{SVG}title")]
    assert titles[1].startswith("<script>alert(1)</script>")
    assert titles[2].startswith('a"b&c���')
