"""Changes, Rules, and what happened around a finding, in a real browser: light, dark, narrow, empty."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import expect

from diagnose.models import Change
from diagnose.models.change import ChangeLink
from tests.e2e.faults import record

pytestmark = pytest.mark.browser


@pytest.fixture
def finding(host, data_dir):
    """A recorded fault, with a setting that was changed shortly before it began."""
    found = record(host, "gil_contention")
    began = datetime.now(UTC) - timedelta(minutes=1)
    change = Change.objects.create(
        host=host,
        kind="setting",
        name="sysctl.net.core.somaxconn",
        before="4096",
        after="128",
        at=began - timedelta(seconds=20),
    )
    ChangeLink.objects.create(change=change, finding=found, relation="before")
    found.detail |= {"onset": {name: began.isoformat() for name in ("at", "from", "to")}}
    found.save(update_fields=["detail"])
    return found


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("address", ["/changes", "/rules", "/rules/network.accept_queue_overflow"])
def test_pages_fit_a_narrow_screen(page, sign_in, viewer, finding, scheme, address):
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": 390, "height": 800})
    sign_in(viewer)
    page.goto(address)
    expect(page.locator("tbody tr").first).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_a_change_leads_to_the_finding_and_what_began_with_it(page, sign_in, viewer, finding):
    sign_in(viewer)
    page.goto("/changes")
    expect(page.locator("tbody tr")).to_have_count(1)
    page.get_by_role("link", name=finding.headline).click()
    expect(page.get_by_role("heading", name="What changed around it")).to_be_visible()
    expect(page.get_by_role("heading", name="What began together")).to_be_visible(timeout=15_000)
    expect(page.locator("#around tbody tr").first).to_contain_text("somaxconn")


def test_a_filter_keeps_the_page_and_an_empty_result_says_so(page, sign_in, viewer, finding):
    sign_in(viewer)
    page.goto("/changes")
    page.get_by_label("Kind").select_option("deploy")
    expect(page.get_by_role("heading", name="No change fits the filter in this time range")).to_be_visible()
    assert "kind=deploy" in page.url


def test_empty_pages_say_what_will_come(page, sign_in, viewer, data_dir):
    sign_in(viewer)
    page.goto("/changes")
    expect(page.get_by_role("heading", name="Nothing changed in this time range")).to_be_visible()
    page.goto("/rules")
    page.get_by_role("link", name="network.conntrack_full").first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("network.conntrack_full")
    expect(page.get_by_role("heading", name="Thresholds")).to_be_visible()
