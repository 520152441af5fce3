"""Findings in a real browser: the list, the charts of the evidence, the copy button, the actions."""

import pytest
from playwright.sync_api import expect

from diagnose.models import Finding
from tests.e2e.faults import record

pytestmark = pytest.mark.browser


@pytest.fixture
def finding(host, data_dir):
    return record(host, "small_backlog")


def test_from_the_overview_to_the_finding_and_its_charts(page, sign_in, viewer, finding):
    sign_in(viewer)
    page.goto("/")
    expect(page.get_by_role("heading", level=1)).to_have_text("1 problem on 1 of 1 host")
    page.get_by_role("link", name=finding.headline).click()
    expect(page.get_by_role("heading", level=1)).to_have_text(finding.headline)
    for chart in page.locator(".chart").all():
        chart.scroll_into_view_if_needed()
        expect(chart).to_have_attribute("data-state", "drawn", timeout=15_000)
        assert chart.locator("path.js-line").count() >= 1
    expect(page.get_by_role("button", name="I am on it")).to_have_count(0)


def test_a_copy_button_copies_the_command_to_the_letter(page, sign_in, operator, finding):
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    sign_in(operator)
    page.goto(f"/findings/{finding.pk}")
    page.get_by_role("button", name="Copy").first.click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    command = finding.detail["recommendations"][0]["renderings"]["shell"]
    assert page.evaluate("navigator.clipboard.readText()") == command
    expect(page.get_by_role("button", name="Copied")).to_have_count(0)


def test_the_copy_button_works_where_the_clipboard_is_refused(page, sign_in, operator, finding):
    page.add_init_script("navigator.clipboard.writeText = () => Promise.reject(new Error('not here'))")
    sign_in(operator)
    page.goto(f"/findings/{finding.pk}")
    page.get_by_role("button", name="Copy").first.click()
    command = finding.detail["recommendations"][0]["renderings"]["shell"]
    assert page.evaluate("getSelection().toString()").strip() == command.strip()


def test_an_operator_takes_it_on_mutes_it_and_shows_it_again(page, sign_in, operator, finding):
    sign_in(operator)
    page.goto(f"/findings/{finding.pk}")
    page.get_by_role("button", name="I am on it").click()
    expect(page.get_by_text("Noted: you are on it.")).to_be_visible()
    expect(page.get_by_text("oskar is on it since")).to_be_visible()
    page.locator("summary", has_text="Mute").click()
    page.get_by_label("Why?").fill("planned load test")
    page.get_by_role("button", name="Mute").click()
    expect(page.get_by_text("planned load test")).to_be_visible()
    assert Finding.objects.get(pk=finding.pk).state == "muted"
    page.get_by_role("button", name="Show it again").click()
    expect(page.get_by_text("No longer muted.")).to_be_visible()


def test_choosing_a_host_filters_the_list_in_place(page, sign_in, viewer, finding, host):
    type(host).objects.create(identity="e" * 32, name="web-9")
    sign_in(viewer)
    page.goto("/findings")
    page.get_by_label("Host").select_option("web-9")
    expect(page.get_by_text("No finding fits the filter")).to_be_visible()
    page.get_by_label("Host").select_option("web-1")
    expect(page.get_by_role("link", name=finding.headline)).to_be_visible()
    assert "host=web-1" in page.url
