"""`/storage`: what is kept, how it grows and when the room for it ends."""

from datetime import UTC, datetime, timedelta

import pytest

from diagnose.reports import storage_words as words
from diagnose.reports.storage import storage
from diagnose.store.classes import CLASSES

pytestmark = pytest.mark.usefixtures("valkey")
MB = 10**6


def test_it_tells_what_the_page_tells(ask, stored_days):
    stored_days(CLASSES[0].kind, [3 * MB, 2 * MB])
    answer = ask("/storage")
    assert answer["telemetry_bytes"] == 5 * MB
    yesterday = (datetime.now(UTC).date() - timedelta(days=1)).isoformat()
    assert {"day": yesterday, "bytes": 3 * MB} in answer["classes"][0]["days"]
    assert answer["headline"] == words.headline(storage(datetime.now(UTC)))
    assert answer["database_bytes"] > 0
