"""From what is wrong to the line of code that does it, as people go: with the mouse, by keys, in Chinese."""

import re

import pytest
from playwright.sync_api import expect

from tests.e2e.faults import record

pytestmark = pytest.mark.browser


@pytest.fixture
def finding(host, data_dir):
    return record(host, "gil_contention")


def test_the_worst_finding_leads_to_its_host_service_and_function_and_the_address_is_all_of_it(
    page, sign_in, operator, finding, host, browser, live_server
):
    sign_in(operator)
    page.goto("/")
    page.locator(".card__headline a").first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text(finding.headline)
    page.locator(".crumbs").get_by_role("link", name=host.name).click()
    expect(page.locator("[data-chart=gil][data-state=drawn]")).to_be_visible(timeout=20_000)
    expect(
        page.locator("figure", has=page.locator("[data-chart=gil]")).locator(".chip--critical")
    ).to_be_visible()
    page.goto(f"/service?name={finding.service}&from=-1h")
    page.locator("#functions tbody a").first.click()
    expect(page.locator("[data-flamegraph] canvas").first).to_be_visible()
    assert "q=" in page.url
    shared = browser.new_context(base_url=live_server.url)
    try:
        shared.add_cookies(page.context.cookies())
        other = shared.new_page()
        other.goto(page.url)
        expect(other.locator("[data-flamegraph] canvas").first).to_be_visible()
        search = page.get_by_role("searchbox").first
        expect(other.get_by_role("searchbox").first).to_have_value(search.input_value())
    finally:
        shared.close()


def press_until(page, key, address):
    """Tab on until a link to such an address has the focus."""
    for _ in range(80):
        page.keyboard.press(key)
        found = page.evaluate("document.activeElement?.getAttribute('href') ?? ''")
        if re.search(address, found):
            return
    raise AssertionError(f"no link to {address} within 80 times {key}")


def test_keys_alone_lead_from_the_overview_to_a_host_of_the_last_hour(page, sign_in, viewer, finding):
    sign_in(viewer)
    page.goto("/")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
    page.keyboard.press("Enter")
    press_until(page, "Tab", "/findings/")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text(finding.headline)
    press_until(page, "Tab", r"/hosts/\d+")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"/hosts/\d+"))
    press_until(page, "Tab", r"from=-1h$")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("from=-1h"))


def test_no_page_logs_an_error_or_asks_anybody_else(page, sign_in, operator, finding, host, live_server):
    elsewhere = []
    page.on(
        "request",
        lambda one: (
            None if one.url.startswith((live_server.url, "data:", "blob:")) else elsewhere.append(one.url)
        ),
    )
    sign_in(operator)
    page.emulate_media(color_scheme="dark")
    service = f"/service?name={finding.service}"
    series = "/series?metric=python_gil_held_ratio&by=pid"
    for path in (
        "/",
        "/hosts",
        f"/hosts/{host.pk}",
        "/services",
        service,
        series,
        f"/compare?host={host.pk}",
    ):
        page.goto(path)
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        page.wait_for_load_state("networkidle")
    assert not elsewhere


def test_it_speaks_chinese_to_who_asks_for_it(browser, page, sign_in, viewer, finding, host, live_server):
    sign_in(viewer)
    context = browser.new_context(base_url=live_server.url, locale="zh-CN", timezone_id="Asia/Shanghai")
    try:
        context.add_cookies(page.context.cookies())
        chinese = context.new_page()
        chinese.goto(f"/hosts/{host.pk}")
        expect(chinese.get_by_role("heading", name="时间花在哪里")).to_be_visible()
        expect(chinese.locator("[data-zone]").first).to_have_text("Asia/Shanghai")
        empty = chinese.locator("[data-chart=cpu]")
        expect(empty).to_have_text("此时段内没有测量到任何内容。", timeout=20_000)
        chinese.locator(".menu summary").first.click()
        chinese.get_by_role("button", name="English").click()
        expect(chinese.get_by_role("heading", name="Where time goes")).to_be_visible()
    finally:
        context.close()


@pytest.mark.parametrize("width", [390, 1920])
def test_no_page_is_wider_than_a_phone_or_narrower_than_a_wall(page, sign_in, viewer, finding, host, width):
    sign_in(viewer)
    page.set_viewport_size({"width": width, "height": 900})
    for path in (
        "/",
        f"/hosts/{host.pk}",
        f"/service?name={finding.service}",
        "/series",
        f"/compare?host={host.pk}",
    ):
        page.goto(path)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path
