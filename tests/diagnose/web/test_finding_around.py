"""What happened around a finding, as a page and in the API."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from diagnose.models import Change
from diagnose.models.change import ChangeLink


@pytest.fixture
def fault(faulty, host):
    finding = faulty("gil_contention")
    at = datetime.now(UTC) - timedelta(minutes=1)
    change = Change.objects.create(host=host, kind="setting", name="sysctl.<x>", before="1", after="2", at=at)
    ChangeLink.objects.create(change=change, finding=finding, relation="before")
    onset = {"at": at.isoformat(), "from": at.isoformat(), "to": at.isoformat()}
    finding.detail |= {"onset": onset}
    finding.save(update_fields=["detail"])
    return finding


def test_the_page_lines_up_what_began(seen, fault):
    shown = seen.get(f"/findings/{fault.pk}/around").content.decode()
    assert "What began together" in shown
    assert "sysctl.&lt;x&gt;" in shown
    assert f'data-around="/findings/{fault.pk}/around"' in seen.get(f"/findings/{fault.pk}").content.decode()


def test_without_anything_known_it_says_so(seen, faulty):
    finding = faulty("small_backlog")
    finding.detail |= {"onset": None}
    finding.save(update_fields=["detail"])
    assert (
        "Nothing is known of what began with it"
        in seen.get(f"/findings/{finding.pk}/around").content.decode()
    )
    assert seen.get("/findings/nothing/around").status_code == 404
