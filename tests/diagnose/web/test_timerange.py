"""Time ranges as they stand in addresses."""

import pytest

from diagnose.web.timerange import BadRange, parse

NOW = 1_780_000_000 * 10**9
MINUTE = 60 * 10**9


def test_nothing_given_is_the_last_quarter_of_an_hour_and_follows_the_clock():
    span = parse("", "", NOW)
    assert (span.start_ns, span.end_ns, span.live) == (NOW - 15 * MINUTE, NOW, True)
    assert span.query == "from=-15m"


@pytest.mark.parametrize(
    ("text", "minutes"), [("-90s", 1.5), ("-1h", 60), ("-6h", 360), ("-24h", 1440), ("-2d", 2880)]
)
def test_a_relative_start_counts_from_now(text, minutes):
    assert parse(text, "", NOW).start_ns == NOW - minutes * MINUTE
    assert parse(text, "now", NOW).live


def test_unix_seconds_and_iso_times_are_the_same():
    by_number = parse("1779999000", "1779999600.5", NOW)
    by_words = parse("2026-05-28T20:10:00Z", "2026-05-28T20:20:00.500", NOW)
    assert (by_number.start_ns, by_number.end_ns) == (by_words.start_ns, by_words.end_ns)
    assert not by_number.live
    assert by_number.query == "from=1779999000&to=1779999600.5"


@pytest.mark.parametrize(
    ("start", "end", "says"),
    [
        ("yesterday", "", "from='yesterday'"),
        ("-15m", "soon", "to='soon'"),
        ("1780000001", "", "is not before"),
        ("5", "4", "is not before"),
        ("0", "", "more than 400 days"),
        ("-99999d", "", "more than 400 days"),
        ("99999999999999999999", "", "is not a time"),
        ("9999999999", "", "is not before"),
        ("0001-01-01T00:00", "", "days before the end"),
        ("-15m'; drop table", "", "is not a time"),
    ],
)
def test_a_range_that_cannot_be_shown_names_the_value_and_the_place(start, end, says):
    with pytest.raises(BadRange, match=says):
        parse(start, end, NOW)
