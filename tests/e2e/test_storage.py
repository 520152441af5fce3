"""The Storage page in a real browser: light, dark, narrow, empty, without script."""

import time

import pytest
from playwright.sync_api import expect

from diagnose.store import days, engine
from diagnose.store.classes import CLASSES
from diagnose.store.engine.sqlite import path_of
from diagnose.store.rows import DAY_NS

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("valkey", "data_dir")]


@pytest.fixture
def stored():
    if engine.chosen() is not engine.SQLITE:
        pytest.skip("sizes of files, which PostgreSQL does not have")
    for back in range(6):
        for size, each in enumerate(CLASSES, 1):
            path = path_of(days.day_of(time.time_ns() - back * DAY_NS), each.kind)
            path.parent.mkdir(exist_ok=True)
            with path.open("wb") as file:
                file.truncate(size * 10_000_000)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_draws_the_days_and_fits_a_narrow_screen(page, sign_in, viewer, stored, scheme):
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": 390, "height": 800})
    sign_in(viewer)
    page.goto("/storage")
    expect(page.locator("[data-chart][data-state=drawn]")).to_be_visible(timeout=20_000)
    assert page.locator(".barlayer .trace").count() == len(CLASSES)
    expect(page.locator(".legend button")).to_have_count(len(CLASSES))
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.get_by_text("By day", exact=True).click()
    expect(page.locator("details.days tbody tr")).to_have_count(6)


def test_an_empty_one_says_so_and_fills_by_itself(page, sign_in, viewer):
    sign_in(viewer)
    page.goto("/")
    page.get_by_role("link", name="Storage").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Nothing is stored yet")
    expect(page.locator("[data-chart]")).to_have_text("Nothing is stored yet.", timeout=20_000)


def test_it_is_whole_without_script(browser, page, sign_in, viewer, stored, live_server):
    sign_in(viewer)
    context = browser.new_context(java_script_enabled=False, base_url=live_server.url)
    try:
        context.add_cookies(page.context.cookies())
        plain = context.new_page()
        plain.goto("/storage")
        expect(plain.get_by_role("heading", level=1)).to_contain_text("Retention keeps telemetry at about")
        plain.get_by_text("By day", exact=True).click()
        expect(plain.locator("details.days tbody tr").first).to_be_visible()
    finally:
        context.close()
