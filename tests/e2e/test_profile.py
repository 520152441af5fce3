"""The Profile page and its flame graph in a real browser, on the recorded shop."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Page, expect

from diagnose.models import Host, ProbeState, User
from tests.diagnose.web import recorded
from tests.e2e.flame import PLACE, click_on, state

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def shop(host: Host, valkey, data_dir) -> Host:
    recorded.send(host, recorded.shop_stacks("cpu"), recorded.shop_stacks("gil"), *recorded.shop_process())
    return host


@pytest.fixture
def graph(page: Page, sign_in: Callable[[User], None], viewer: User, shop: Host) -> Page:
    """The shop's CPU profile, drawn."""
    sign_in(viewer)
    page.goto("/profile?service=shop.py")
    expect(page.locator("[data-flamegraph] canvas")).to_be_visible()
    return page


def test_the_totals_say_how_much_was_seen_and_how(graph: Page) -> None:
    totals = graph.locator("[data-part=totals]")
    expect(totals).to_contain_text("328 samples")
    expect(totals).to_contain_text("3.28 s of thread time")
    expect(totals).to_contain_text("100 samples a second")


def test_a_click_zooms_and_the_breadcrumb_leads_back(graph: Page) -> None:
    click_on(graph, "Shop.price")
    assert state(graph)["zoomed"] == "Shop.price"
    assert state(graph)["share"] < 1
    details = graph.locator("[data-part=details]")
    expect(details).to_contain_text("Shop.price")
    expect(details).to_contain_text("/srv/shop/shop.py:")
    graph.get_by_role("navigation", name="Zoomed to").get_by_role("button", name="all").click()
    assert state(graph)["share"] == 1


def test_the_keyboard_walks_zooms_and_returns_and_is_spoken(graph: Page) -> None:
    graph.locator("[data-flamegraph] canvas").focus()
    spoken = graph.locator("[data-part=spoken]")
    graph.keyboard.press("ArrowDown")  # selects the root
    expect(spoken).to_contain_text("all; depth 0")
    for _ in range(9):
        graph.keyboard.press("ArrowDown")
    expect(spoken).to_contain_text("Handler.do_GET; depth 9; at /srv/shop/shop.py")
    graph.keyboard.press("ArrowRight")
    sibling = state(graph)["selected"]
    assert sibling != "Handler.do_GET"
    graph.keyboard.press("ArrowLeft")
    graph.keyboard.press("Enter")
    assert state(graph)["zoomed"] == "Handler.do_GET"
    graph.keyboard.press("ArrowUp")
    assert state(graph)["selected"] == "BaseHTTPRequestHandler.handle_one_request"
    graph.keyboard.press("Escape")
    assert state(graph)["share"] > 0.9
    graph.keyboard.press("Escape")
    assert state(graph)["share"] == 1


def test_backspace_leaves_a_zoom_too(graph: Page) -> None:
    click_on(graph, "Shop.price")
    graph.keyboard.press("Backspace")
    assert state(graph)["zoomed"] == "Handler.do_GET"


def test_the_wheel_zooms_a_focused_graph_about_the_pointer(graph: Page) -> None:
    canvas = graph.locator("[data-flamegraph] canvas")
    canvas.focus()
    box = canvas.bounding_box()
    assert box
    graph.mouse.move(box["x"] + box["width"] / 4, box["y"] + 5)
    graph.mouse.wheel(0, -400)
    graph.wait_for_timeout(100)
    now = state(graph)
    assert now["share"] == pytest.approx(0.49, abs=0.05)
    assert now["start"] == pytest.approx((1 - now["share"]) / 4, abs=0.01)


def test_the_wheel_scrolls_the_page_while_the_graph_has_no_focus(graph: Page) -> None:
    graph.locator("[data-flamegraph] canvas").hover(position={"x": 300, "y": 20})
    graph.mouse.wheel(0, 200)
    graph.wait_for_timeout(100)
    assert state(graph)["share"] == 1
    assert graph.evaluate("scrollY") > 0


def test_search_tells_the_share_of_samples_and_stands_in_the_address(graph: Page) -> None:
    graph.keyboard.press("/")  # from anywhere on the page
    graph.keyboard.type("try_every")
    matches = graph.locator("[data-part=matches]")
    expect(matches).to_contain_text("% of samples match")
    share = matches.inner_text()
    assert parse_qs(urlsplit(graph.url).query)["q"] == ["try_every"]
    graph.reload()
    expect(graph.locator("[data-part=matches]")).to_have_text(share)
    graph.get_by_label("Search functions").press("Enter")
    assert state(graph)["selected"] == "try_every_combination"


def test_nested_matches_count_once(graph: Page) -> None:
    graph.get_by_label("Search functions").fill("BaseHTTPRequestHandler")
    literal = graph.locator("[data-part=matches]").inner_text()
    assert float(literal.partition(" %")[0]) <= 100
    graph.get_by_label("Regex").check()
    graph.get_by_label("Search functions").fill("^Shop\\.price$|^try_every")
    matches = graph.locator("[data-part=matches]")
    expect(matches).not_to_contain_text(literal)
    both = matches.inner_text()
    graph.get_by_label("Search functions").fill("^Shop\\.price$")
    expect(matches).not_to_have_text(both)
    assert matches.inner_text().split(",")[0] == both.split(",")[0]


def test_a_pattern_that_cannot_be_read_is_told(graph: Page) -> None:
    graph.get_by_label("Regex").check()
    graph.get_by_label("Search functions").fill("shop(")
    expect(graph.locator("[data-part=matches]")).to_contain_text("Not a pattern")
    graph.get_by_label("Regex").uncheck()
    expect(graph.locator("[data-part=matches]")).to_have_text("No function matches")


def test_the_tooltip_has_place_module_and_both_times(graph: Page) -> None:
    graph.locator("[data-flamegraph] canvas").hover(position=graph.evaluate(PLACE, "try_every_combination"))
    tooltip = graph.get_by_role("tooltip")
    for words in ("try_every_combination", "/srv/shop/shop.py:", "module", "total", "self", "samples", " s"):
        expect(tooltip).to_contain_text(words)
    graph.mouse.move(5, 5)
    expect(tooltip).to_be_hidden()


def test_the_selected_name_is_copied(graph: Page) -> None:
    graph.context.grant_permissions(["clipboard-read", "clipboard-write"])
    click_on(graph, "Shop.price")
    graph.get_by_role("button", name="Copy name").click()
    expect(graph.locator("[data-part=copied]")).to_have_text("Copied")
    assert graph.evaluate("navigator.clipboard.readText()") == "Shop.price"


def test_flame_orientation_puts_the_root_below_and_turns_the_arrows(graph: Page) -> None:
    graph.get_by_role("button", name="Flame", exact=True).click()
    assert graph.evaluate(PLACE, "all")["y"] > graph.evaluate(PLACE, "Shop.price")["y"]
    graph.locator("[data-flamegraph] canvas").focus()
    graph.keyboard.press("ArrowUp")
    graph.keyboard.press("ArrowUp")
    assert state(graph)["selected"] == "Thread._bootstrap"


def test_callers_stand_below_what_ran_itself(graph: Page) -> None:
    graph.get_by_role("button", name="Callers", exact=True).click()
    graph.get_by_label("Search functions").fill("try_every_combination")
    graph.get_by_label("Search functions").press("Enter")
    graph.keyboard.press("Escape")
    graph.get_by_label("Search functions").fill("try_every_combination")
    graph.get_by_label("Search functions").press("Enter")
    graph.locator("[data-flamegraph] canvas").focus()
    graph.keyboard.press("ArrowDown")
    assert state(graph)["selected"] == "Shop.price"


def test_the_table_sorts_and_its_rows_highlight(graph: Page) -> None:
    table = graph.locator("[data-part=functions]")
    expect(table.locator("tbody tr").first).to_contain_text("try_every_combination")
    table.get_by_role("button", name="Total").click()
    expect(table.locator("th[aria-sort=descending]")).to_contain_text("Total")
    expect(table.locator("tbody tr").first).to_contain_text("99.7 %")
    table.get_by_role("button", name="Function").click()
    expect(table.locator("tbody tr").first).to_contain_text("_PollLikeSelector.select")
    table.get_by_role("button", name="Shop.price", exact=True).click()
    expect(graph.locator("[data-part=matches]")).to_contain_text("of samples match")
    assert state(graph)["selected"] == "Shop.price"


def test_text_stays_sharp_on_a_dense_screen(browser, live_server, page: Page, sign_in, viewer, shop) -> None:
    sign_in(viewer)
    dense = browser.new_context(
        base_url=live_server.url, device_scale_factor=2, storage_state=page.context.storage_state()
    )
    try:
        other = dense.new_page()
        other.goto("/profile?service=shop.py")
        canvas = other.locator("[data-flamegraph] canvas")
        expect(canvas).to_be_visible()
        wide, shown = canvas.evaluate("canvas => [canvas.width, canvas.clientWidth]")
        assert wide == 2 * shown
    finally:
        dense.close()


def test_the_keys_are_shown_on_question_mark(graph: Page) -> None:
    graph.locator("[data-flamegraph] canvas").focus()
    graph.keyboard.press("?")
    expect(graph.get_by_role("dialog")).to_contain_text("zoom out one step")
    graph.keyboard.press("Escape")
    expect(graph.get_by_role("dialog")).to_be_hidden()


def test_a_choice_shows_at_once_and_stands_in_the_address(graph: Page) -> None:
    graph.get_by_label("Type").select_option("gil")
    graph.wait_for_url("**type=gil**")
    expect(graph.locator("[data-flamegraph] canvas")).to_be_visible()
    graph.get_by_label("By thread", exact=True).check()
    graph.wait_for_url("**threads=1**")
    expect(graph.locator("[data-flamegraph] canvas")).to_be_visible()
    graph.keyboard.press("Tab")
    assert state(graph)["count"] > 1


def test_without_profiles_the_page_says_why_and_what_to_do(
    page: Page, sign_in, operator: User, host: Host, data_dir
) -> None:
    from django.utils import timezone

    reason = "py-spy is not installed here; install diagnose-collector again"
    ProbeState.objects.create(
        host=host, probe="stacks.python", ok=False, reason=reason, updated_at=timezone.now()
    )
    sign_in(operator)
    page.goto("/profile?service=shop.py")
    expect(page.get_by_role("heading", name="Nothing was profiled in this time range")).to_be_visible()
    expect(page.locator("main")).to_contain_text(reason)
    page.get_by_role("link", name="profile a process on demand").click()
    expect(page.get_by_role("heading", name="New capture")).to_be_visible()


def test_another_type_is_offered_when_this_one_has_nothing(
    page: Page, sign_in, viewer: User, shop: Host
) -> None:
    sign_in(viewer)
    page.goto("/profile?service=shop.py&type=wall")
    page.get_by_role("link", name="gil").click()
    expect(page.locator("[data-flamegraph] canvas")).to_be_visible()


def test_what_the_server_refuses_is_said(page: Page, sign_in, viewer: User, shop: Host) -> None:
    sign_in(viewer)
    page.route(
        "**/profiles/top?*",
        lambda route: route.fulfill(
            status=503, content_type="application/problem+json", body='{"detail": "The store is away."}'
        ),
    )
    page.goto("/profile?service=shop.py")
    expect(page.get_by_role("alert")).to_have_text("The store is away.")
