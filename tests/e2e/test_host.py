"""The Host page in a real browser: charts, their shared crosshair, zoom, live refresh, dark mode."""

import re

import pytest
from playwright.sync_api import expect

from diagnose.models import Fact
from tests.e2e.faults import record

pytestmark = pytest.mark.browser


@pytest.fixture
def shown(page, sign_in, operator, host, data_dir):
    record(host, "small_backlog")
    sign_in(operator)
    page.goto(f"/hosts/{host.pk}")
    expect(page.locator("[data-chart=accept-queue][data-state=drawn]")).to_be_visible(timeout=15_000)
    return page


def test_charts_paint_lines_and_shade_the_finding(shown):
    chart = shown.locator("[data-chart=tcp-errors]")
    assert chart.locator("path.js-line").count() >= 1
    assert chart.locator(".shapelayer path, .layer-below path").count() >= 1
    for chart in shown.locator(".chart").all():
        chart.scroll_into_view_if_needed()
        expect(chart).not_to_have_attribute("data-state", "waiting")
    expect(shown.locator("[data-chart=cpu]")).to_have_text("Nothing measured in this time range.")


def test_a_legend_button_hides_its_line_and_a_refresh_keeps_it_hidden(shown):
    chart = shown.locator("figure", has=shown.locator("[data-chart=tcp-errors]"))
    button = chart.locator(".legend button").first
    visible = chart.locator("g.trace.scatter").count()
    button.click()
    expect(button).to_have_attribute("aria-pressed", "false")
    expect(chart.locator("g.trace.scatter")).to_have_count(visible - 1)
    with shown.expect_response(re.compile(r"/charts\?"), timeout=15_000):
        pass
    shown.wait_for_timeout(300)
    expect(chart.locator("g.trace.scatter")).to_have_count(visible - 1)
    button.click()
    expect(chart.locator("g.trace.scatter")).to_have_count(visible)


def test_the_pointer_in_one_chart_draws_a_line_in_the_others(shown):
    queue = shown.locator("[data-chart=accept-queue]")
    queue.scroll_into_view_if_needed()
    box = queue.bounding_box()
    shown.mouse.move(box["x"] + box["width"] * 0.6, box["y"] + box["height"] * 0.4)
    shown.mouse.move(box["x"] + box["width"] * 0.97, box["y"] + box["height"] * 0.4)
    expect(shown.locator("[data-chart=tcp-errors] .crosshair")).to_be_visible()
    expect(queue.locator(".crosshair")).to_be_hidden()


def test_a_zoom_into_one_chart_is_a_new_time_range_for_the_page(shown):
    area = shown.locator("[data-chart=tcp-errors] .nsewdrag")
    area.scroll_into_view_if_needed()
    box = area.bounding_box()
    middle = box["y"] + box["height"] / 2
    shown.mouse.move(box["x"] + box["width"] * 0.5, middle)
    shown.mouse.down()
    shown.mouse.move(box["x"] + box["width"] * 0.9, middle, steps=5)
    shown.mouse.up()
    shown.wait_for_url(re.compile(r"from=\d{10}&to=\d{10}"))
    start, end = map(int, re.findall(r"=(\d{10})", shown.url))
    assert 300 < end - start < 420
    expect(shown.locator("[data-live-state]")).to_have_count(0)


def test_the_range_stands_in_the_address(shown):
    shown.get_by_role("link", name="Last 1h", exact=True).click()
    expect(shown).to_have_url(re.compile(r"\?from=-1h$"))
    expect(shown.locator(".choices [aria-current]")).to_have_text("1h")
    shown.get_by_text("Custom").click()
    shown.get_by_role("button", name="Show").click()
    expect(shown).to_have_url(re.compile(r"from=\d{4}-\d\d-\d\dT"))
    expect(shown.get_by_role("heading", level=1)).to_contain_text("web-1")


def test_what_changes_on_the_host_shows_without_loading_the_page(shown, host):
    shown.evaluate("window.unchanged = true")
    shown.locator("#fact-table .more summary").click()
    Fact.objects.create(host=host, name="brand.new", value="1", since=host.enrolled_at)
    expect(shown.get_by_text("brand.new")).to_be_visible(timeout=10_000)
    assert shown.evaluate("window.unchanged")
    assert shown.locator("#fact-table .more").get_attribute("open") is not None


def test_charts_follow_a_change_to_dark_mode(shown):
    line = shown.locator("[data-chart=tcp-errors] path.js-line").first
    light = line.evaluate("path => getComputedStyle(path).stroke")
    shown.emulate_media(color_scheme="dark")
    shown.wait_for_timeout(500)
    assert line.evaluate("path => getComputedStyle(path).stroke") != light
