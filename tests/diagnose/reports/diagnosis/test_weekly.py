"""The report of each week: Monday to Monday, once, and only where there was a host."""

from datetime import UTC, datetime

import pytest

from diagnose.models import Host, Report
from diagnose.reports.diagnosis import weekly

WEDNESDAY = datetime(2026, 11, 25, 9, 30, tzinfo=UTC)


def test_a_week_is_from_monday_to_monday():
    for day in (23, 25, 29):
        span = weekly.last_week(datetime(2026, 11, day, 12, tzinfo=UTC))
        assert (span.start, span.end) == (
            datetime(2026, 11, 16, tzinfo=UTC),
            datetime(2026, 11, 23, tzinfo=UTC),
        )


@pytest.mark.django_db
def test_it_is_made_once_and_not_for_weeks_without_a_host(host, data_dir):
    assert weekly.make_due(WEDNESDAY) is None
    Host.objects.update(enrolled_at=datetime(2026, 11, 20, tzinfo=UTC))
    assert weekly.make_due(WEDNESDAY) is not None
    assert weekly.make_due(WEDNESDAY) is None
    report = Report.objects.get()
    assert (report.weekly, report.causes) == (True, 0)
