"""Numbers and times as people read them."""

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from diagnose.templatetags.quantities import ago, compact, duration, exactly, percent, quantity, size, unix


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "–"),
        (float("nan"), "–"),
        (0, "0"),
        (0.04213, "0.0421"),
        (3.14159, "3.14"),
        (285, "285"),
        (12400.4, "12,400"),
        (999.6, "1000"),
        (100, "100"),
        (20.0, "20"),
        (-0.5, "-0.5"),
    ],
)
def test_a_number_has_three_digits_that_count(value, text):
    assert compact(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "–"),
        (0, "0 B"),
        (1023, "1023 B"),
        (1536, "1.5 KiB"),
        (300 * 2**20, "300 MiB"),
        (2**31, "2.0 GiB"),
    ],
)
def test_bytes_come_in_binary_units(value, text):
    assert size(value) == text


@pytest.mark.parametrize(
    ("ratio", "text"),
    [(None, "–"), (0, "0 %"), (0.042, "4.2 %"), (0.0996, "10 %"), (0.424, "42 %"), (1, "100 %")],
)
def test_a_ratio_is_a_percentage(ratio, text):
    assert percent(ratio) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, "–"),
        (0.0021, "2 ms"),
        (45, "45 s"),
        (90, "1 min"),
        (3600, "1 h"),
        (12000, "3 h 20 min"),
        (187200, "2 d 4 h"),
        (86399.9, "1 d"),
    ],
)
def test_a_duration_has_its_two_largest_units(seconds, text):
    assert duration(seconds) == text


def test_a_unit_decides_the_form():
    assert quantity(0.96, "ratio") == "96 %"
    assert quantity(2**20, "bytes") == "1.0 MiB"
    assert quantity(1.5, "seconds") == "2 s"
    assert quantity(285, "1/s") == "285 1/s"
    assert quantity(None, "1/s") == "–"
    assert quantity(3, None) == "3"


def test_a_time_says_how_long_ago_and_exactly_when():
    past = timezone.now() - timedelta(minutes=12, seconds=30)
    assert ">12 min ago</time>" in ago(past)
    assert f'title="{past:%Y-%m-%d %H:%M:%S} UTC"' in ago(past)
    assert ">in 1 h</time>" in ago(timezone.now() + timedelta(hours=1, seconds=1))
    assert ago(None) == "never"


def test_times_of_the_api_are_understood():
    assert unix("2026-05-01T12:00:00Z") == 1777636800
    assert "2026-05-01 12:00:00<" in exactly("2026-05-01T14:00:00+02:00")
    assert exactly(datetime(2026, 5, 1, 12, tzinfo=UTC)) == exactly("2026-05-01T12:00:00Z")
    assert exactly("") == "–"
