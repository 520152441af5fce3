"""Signing in with a real browser."""

from datetime import timedelta

import pytest
from playwright.sync_api import expect

from diagnose.access import links
from tests.conftest import PASSWORD

pytestmark = pytest.mark.browser


def test_a_person_signs_in_with_the_keyboard_looks_around_and_signs_out(page, viewer, data_dir):
    page.goto("/hosts")
    expect(page.get_by_label("User name")).to_be_focused()
    page.keyboard.type("vera")
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    expect(page).to_have_url("/hosts")
    page.get_by_role("link", name="Findings").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Findings")
    page.get_by_text("vera").click()
    page.get_by_role("button", name="Sign out").click()
    expect(page).to_have_url("/sign-in")
    page.goto("/hosts")
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


def test_a_one_time_link_leads_straight_in(page, admin, data_dir):
    page.goto(f"/sign-in/{links.create(admin, timedelta(hours=1))}")
    expect(page.get_by_text("Waiting for the first collector")).to_be_visible()


@pytest.mark.parametrize("width", [390, 1280])
def test_no_page_is_wider_than_the_window(page, sign_in, operator, data_dir, width):
    sign_in(operator)
    page.set_viewport_size({"width": width, "height": 800})
    for path in ("/", "/hosts", "/findings", "/profile", "/captures"):
        page.goto(path)
        assert page.evaluate("document.documentElement.scrollWidth") == width, path
