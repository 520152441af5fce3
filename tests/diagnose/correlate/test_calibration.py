"""What was measured on recordings: kept as data, and complete."""

from __future__ import annotations

import pytest

from diagnose.correlate import catalogue
from diagnose.correlate.calibration import Band, Measured, calibration

KEPT = calibration()


def test_shares_and_intervals_come_of_counts():
    band = Band(0.9, 1.0, 0.95, 40, 38)
    assert band.share == pytest.approx(0.95)
    assert band.interval[0] < 0.95 < band.interval[1]
    assert (Measured(4, 3, 6, 3).recall, Measured(4, 3, 6, 3).precision) == (0.75, 0.5)
    assert (Measured(0, 0, 0, 0).recall, Measured(0, 0, 0, 0).precision) == (None, None)


def test_what_is_kept_adds_up():
    assert sum(band.count for band in KEPT.reliability) == KEPT.examples
    assert sum(half.examples for half in KEPT.halves) == KEPT.examples
    assert set(KEPT.halves[0].fitted_on).isdisjoint(KEPT.halves[1].fitted_on)
    assert all(band.right <= band.count for band in KEPT.reliability)
    assert set(KEPT.rules) <= {rule.id for rule in catalogue.all_rules()}


def test_who_claims_nine_of_ten_is_right_so_often():
    sure = [band for band in KEPT.reliability if band.low >= 0.9]
    assert sum(band.right for band in sure) / sum(band.count for band in sure) >= 0.92
    assert KEPT.brier <= 0.08
