"""The Hosts page in a real browser: ordering and filtering in place."""

from datetime import UTC, datetime

import pytest
from playwright.sync_api import expect

from diagnose.models import Host

pytestmark = pytest.mark.browser


@pytest.fixture
def hosts(page, sign_in, viewer, data_dir):
    for number, name in enumerate(("web-1", "db-1", "web-2")):
        Host.objects.create(
            identity=f"{number:032x}", name=name, last_seen_at=datetime.now(UTC), agent=f"0.{number}"
        )
    sign_in(viewer)
    page.goto("/hosts")
    return page


def names(page):
    return page.locator("tbody th a").all_inner_texts()


def test_a_click_on_a_column_orders_by_it_and_the_address_keeps_it(hosts):
    hosts.evaluate("window.unchanged = true")
    hosts.get_by_role("link", name="Host", exact=True).click()
    expect(hosts.locator("th[aria-sort=ascending]")).to_have_text("Host")
    assert names(hosts) == ["db-1", "web-1", "web-2"]
    hosts.get_by_role("link", name="Host", exact=True).click()
    expect(hosts.locator("th[aria-sort=descending]")).to_have_text("Host")
    assert names(hosts) == ["web-2", "web-1", "db-1"]
    assert hosts.evaluate("window.unchanged"), "the page was loaded anew"
    hosts.reload()
    assert names(hosts) == ["web-2", "web-1", "db-1"]
    hosts.go_back()
    expect(hosts.locator("th[aria-sort=ascending]")).to_have_text("Host")


def test_typing_filters_as_one_types_and_keeps_the_focus(hosts):
    hosts.get_by_role("searchbox").press_sequentially("web")
    expect(hosts.locator("tbody tr")).to_have_count(2)
    expect(hosts.get_by_role("searchbox")).to_be_focused()
    assert "q=web" in hosts.url
    hosts.get_by_role("searchbox").fill("nothing like it")
    expect(hosts.get_by_text("No host fits the filter")).to_be_visible()
    hosts.get_by_role("searchbox").fill("")
    expect(hosts.locator("tbody tr")).to_have_count(3)


def test_a_new_host_appears_by_itself(hosts):
    Host.objects.create(identity="f" * 32, name="new-1")
    expect(hosts.get_by_role("link", name="new-1")).to_be_visible(timeout=10_000)


def test_ordering_and_filtering_work_without_script(browser, hosts, live_server):
    context = browser.new_context(java_script_enabled=False, base_url=live_server.url)
    try:
        context.add_cookies(hosts.context.cookies())
        plain = context.new_page()
        plain.goto("/hosts")
        plain.get_by_role("link", name="Host", exact=True).click()
        assert names(plain) == ["db-1", "web-1", "web-2"]
        plain.get_by_role("searchbox").fill("db")
        plain.get_by_role("searchbox").press("Enter")
        assert names(plain) == ["db-1"]
    finally:
        context.close()


def test_thousands_of_hosts_filter_and_sort_at_once(page, sign_in, viewer, data_dir):
    now = datetime.now(UTC)
    Host.objects.bulk_create(
        Host(identity=f"{n:032x}", name=f"node-{n:04}", last_seen_at=now, agent="0.1") for n in range(2000)
    )
    sign_in(viewer)
    page.goto("/hosts?order=name")
    expect(page.locator("table")).to_have_attribute("aria-rowcount", "2001")
    assert names(page)[:2] == ["node-0000", "node-0001"]
    assert len(names(page)) < 100
    page.get_by_role("searchbox").press_sequentially("199")
    expect(page.locator("table")).to_have_attribute("aria-rowcount", "13")
    assert names(page)[0] == "node-0199"
    assert page.url.endswith("?q=199&order=name")
    page.get_by_role("link", name="Host", exact=True).click()
    expect(page.locator("th[aria-sort=descending]")).to_have_text("Host")
    assert names(page)[0] == "node-1999"
    page.get_by_role("searchbox").fill("")
    page.evaluate("scrollTo(0, document.body.scrollHeight)")
    expect(page.get_by_role("link", name="node-0000")).to_be_visible()
    page.get_by_role("link", name="node-0000").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("node-0000")
