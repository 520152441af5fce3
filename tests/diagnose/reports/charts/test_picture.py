"""Readings as SVG: well-formed whatever they are, holes shown as holes."""

import re
from datetime import UTC, datetime
from xml.etree import ElementTree

import pytest

from diagnose.reports.charts.picture import svg
from diagnose.reports.diagnosis.document import Curve, Picture, Span

START, END = datetime(2026, 1, 1, 12, tzinfo=UTC), datetime(2026, 1, 1, 12, 10, tzinfo=UTC)
AT = START.timestamp()


def picture(*curves: Curve, limit: float | None = None) -> Picture:
    return Picture("queue_length", "", limit, Span(START, END), Span(START, END), list(curves))


def test_a_gap_in_the_readings_is_not_bridged():
    times = [AT + 10 * step for step in (0, 1, 2, 3, 20, 21, 22)]
    drawn = svg(picture(Curve("a", times, [1.0] * 7)))
    path = re.search(r' d="([^"]*)"', drawn)[1]
    assert path.count("M") == 2


@pytest.mark.parametrize("values", [[0.0, 0.0], [1e300, 1.0], [-5.0, 3.0], [1e-9, 2e-9]])
def test_any_values_make_a_picture_within_its_frame(values):
    drawn = svg(picture(Curve("<b>&", [AT, AT + 60], values), limit=2.0))
    places = ElementTree.fromstring(drawn).iter()
    assert "<b>" not in drawn
    for element in places:
        for name in ("y", "y1", "y2"):
            assert -1 <= float(element.get(name, 0)) <= 151


def test_a_picture_without_readings_still_has_its_axes():
    ElementTree.fromstring(svg(picture(Curve("a", [], []))))
