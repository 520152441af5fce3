"""What can be done to a flame graph and with its frames, in a real browser, on the recorded shop."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from diagnose.models import Host, User
from tests.diagnose.web import recorded
from tests.e2e.flame import click_on, state

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def graph(
    page: Page, sign_in: Callable[[User], None], viewer: User, host: Host, valkey, data_dir, settings
) -> Page:
    """The shop's CPU profile, drawn; the server knows where the source of /srv/shop is."""
    patterns = [("/srv/shop/", "https://git.example.com/shop/blob/main/{file}#L{line}")]
    settings.CONFIG = {**settings.CONFIG, "SOURCE_URL": patterns}
    recorded.send(host, recorded.shop_stacks("cpu"))
    sign_in(viewer)
    page.goto("/profile?service=shop.py")
    expect(page.locator("[data-flamegraph] canvas")).to_be_visible()
    return page


def press(page: Page, *keys: str) -> None:
    page.locator("[data-flamegraph] canvas").focus()
    for key in keys:
        page.keyboard.press(key)


def test_focus_makes_a_frame_the_whole_and_is_taken_back(graph: Page) -> None:
    before = state(graph)
    click_on(graph, "Shop.price")
    graph.get_by_role("button", name="Focus").click()
    focused = state(graph)
    assert focused["names"][1] == "Shop.price"
    assert 0 < focused["total"] < before["total"]
    graph.get_by_role("button", name="Only Shop.price").click()
    assert state(graph)["total"] == before["total"]


def test_hide_takes_a_frame_and_its_samples_out_by_keyboard(graph: Page) -> None:
    before = state(graph)
    graph.get_by_label("Search functions").fill("try_every_combination")
    graph.get_by_label("Search functions").press("Enter")
    expect(graph.locator("[data-part=matches]")).to_contain_text("match")
    graph.get_by_label("Search functions").press("Enter")
    press(graph, "h")
    hidden = state(graph)
    assert hidden["total"] < before["total"]
    assert hidden["names"].count("try_every_combination") < before["names"].count("try_every_combination")
    press(graph, "u")
    assert state(graph)["total"] == before["total"]


def test_steps_add_up_and_turning_the_graph_gives_them_up(graph: Page) -> None:
    click_on(graph, "Handler.do_GET")
    press(graph, "f")
    click_on(graph, "Shop.price")
    press(graph, "h")
    steps = graph.get_by_role("list", name="What was focused or hidden").get_by_role("button")
    expect(steps).to_have_count(2)
    graph.get_by_role("button", name="Collapse recursion").click()
    expect(steps).to_have_count(0)


RECURSIVE = """async () => {
  const {layOut} = await import("/static/js/flamegraph/layout.js");
  const {collapseRecursion, focusOn, without} = await import("/static/js/flamegraph/regrow.js");
  const flat = {strings: ["all", "a", "b", "c"], frames: {name: [0, 1, 2, 3]},
    nodes: {frame: [0, 1, 2, 1, 3, 3], depth: [0, 1, 2, 3, 4, 1],
            total: [20, 12, 9, 7, 4, 8], self: [0, 3, 2, 3, 4, 8]}};
  const graph = layOut(flat);
  const made = [collapseRecursion(graph), focusOn(graph, 2), without(graph, 3)];
  return made.map(({nodes, total}) => ({...nodes, whole: total}));
}"""


def test_recursion_through_others_joins_the_first_call_and_no_sample_is_lost(graph: Page) -> None:
    collapsed, focused, without = graph.evaluate(RECURSIVE)
    # a → b → a → c: the inner a is the outer one, and c stands right below it.
    assert collapsed["frame"] == [0, 1, 2, 3, 3]
    assert collapsed["depth"] == [0, 1, 2, 2, 1]
    assert collapsed["total"] == [20, 12, 2, 4, 8]
    assert collapsed["self"] == [0, 6, 2, 4, 8]
    assert (focused["frame"], focused["total"], focused["whole"]) == ([0, 2, 1, 3], [9, 9, 7, 4], 9)
    assert (without["frame"], without["total"], without["whole"]) == ([0, 1, 2, 3], [13, 5, 2, 8], 13)


def test_colours_are_of_packages_or_of_layers_and_stand_in_the_address(graph: Page) -> None:
    by_package = state(graph)["fills"]
    graph.get_by_label("Colour by").select_option("layer")
    assert 1 < state(graph)["fills"] <= by_package
    graph.reload()
    expect(graph.get_by_label("Colour by")).to_have_value("layer")


def test_a_pattern_that_never_ends_is_given_up_and_the_page_goes_on(graph: Page) -> None:
    graph.get_by_label("Regex").check()
    graph.get_by_label("Search functions").fill("^(([a-zA-Z_.]+)+)+[0-9]$")
    expect(graph.locator("[data-part=matches]")).to_contain_text("takes too long")
    graph.get_by_label("Search functions").fill("^Shop")
    expect(graph.locator("[data-part=matches]")).to_contain_text("of samples match")


def test_the_search_narrows_the_table_too(graph: Page) -> None:
    rows = graph.locator("[data-part=functions] tbody tr")
    many = rows.count()
    graph.get_by_label("Regex").check()
    graph.get_by_label("Search functions").fill("^Shop\\.")
    expect(rows.first).to_contain_text("Shop.")
    assert rows.count() < many
    graph.get_by_label("Search functions").fill("^nothing like this$")
    expect(rows).to_have_text(["No function of the table matches the search."])


def test_the_whole_stack_is_copied_with_its_places(graph: Page) -> None:
    graph.context.grant_permissions(["clipboard-read", "clipboard-write"])
    click_on(graph, "Shop.price")
    graph.get_by_role("button", name="Copy stack").click()
    expect(graph.locator("[data-part=copied]")).to_have_text("Copied")
    lines = graph.evaluate("navigator.clipboard.readText()").split("\n")
    assert lines[0] == "all"
    assert lines[-1].startswith("Shop.price (/srv/shop/shop.py:")


def test_a_frame_leads_to_its_source(graph: Page) -> None:
    source = graph.get_by_role("link", name="Source")
    expect(source).to_be_hidden()
    click_on(graph, "Shop.price")
    address = source.get_attribute("href") or ""
    assert address.startswith("https://git.example.com/shop/blob/main/shop.py#L")
    click_on(graph, "Thread._bootstrap")
    expect(source).to_be_hidden()


def test_what_is_shown_is_saved_as_a_picture(graph: Page) -> None:
    with graph.expect_download() as download:
        graph.get_by_role("button", name="PNG").click()
    assert download.value.suggested_filename == "shop.py.png"
    assert download.value.path().read_bytes().startswith(b"\x89PNG")


def test_files_for_other_programs_are_offered(graph: Page) -> None:
    graph.get_by_text("Download", exact=True).click()
    with graph.expect_download() as download:
        graph.get_by_role("link", name="SVG picture").click()
    assert b"try_every_combination" in download.value.path().read_bytes()


def test_one_function_shows_its_callers_its_callees_and_its_share(graph: Page) -> None:
    click_on(graph, "Shop.price")
    press(graph, "s")
    panel = graph.get_by_role("region", name="Shop.price")
    expect(panel).to_contain_text("shop.py")
    expect(panel.get_by_role("application", name="Callers of Shop.price")).to_be_visible()
    expect(panel.get_by_role("application", name="What Shop.price calls")).to_be_visible()
    graph.reload()  # a link keeps it
    expect(panel).to_contain_text("total")
    panel.get_by_role("application", name="What Shop.price calls").focus()
    for key in ("ArrowDown", "ArrowDown", "s"):
        graph.keyboard.press(key)
    expect(graph.get_by_role("region", name="try_every_combination")).to_contain_text("total")
    graph.get_by_role("region", name="try_every_combination").get_by_role("button", name="Close").click()
    assert "fn=" not in graph.url


def test_a_thread_is_chosen_from_the_breakdown_and_given_up_again(graph: Page) -> None:
    graph.get_by_text("By thread, host or label").click()
    table = graph.locator("[data-part=parts]")
    expect(table).to_contain_text("MainThread")
    graph.get_by_label("Broken down by").select_option("host")
    expect(table).to_contain_text("web-1")
    graph.get_by_label("Broken down by").select_option("thread")
    table.get_by_role("link", name="MainThread").click()
    expect(graph.get_by_role("list", name="Only a part of the service")).to_contain_text("MainThread")
    expect(graph.locator("[data-flamegraph] canvas")).to_be_visible()
    narrowed = state(graph)["total"]
    graph.get_by_role("link", name="Show all again").click()
    expect(graph.locator("[data-flamegraph] canvas")).to_be_visible()
    assert state(graph)["total"] > narrowed
