"""The heat map of sample times, from the first drag to the difference of two regions, in a real browser."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from diagnose.models import Host, User
from diagnose.store import backend, dictionary
from diagnose.store.names import FrameInfo
from diagnose.store.rows import BatchKey, Offsets, ProfileBatch, ProfileGroup, ProfileRow
from tests.diagnose.web import recorded
from tests.e2e.flame import state

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
SECONDS = 30


@pytest.fixture
def heat(page: Page, sign_in: Callable[[User], None], viewer: User, host: Host, data_dir) -> Page:
    """`tick` runs in the first 100 ms of every second, `burst` for the whole tenth one."""
    start = int(time.time()) - 60
    (service,) = dictionary.services_of(["shop.py"]).values()
    frames = [FrameInfo("tick", "shop.py", 1, ""), FrameInfo("burst", "shop.py", 2, "")]
    tick, burst = dictionary.stack_numbers(service, frames, [[0], [1]], ["MainThread"] * 2)
    times = [(tick, second * 1000 + ms) for second in range(SECONDS) for ms in (5, 45, 85)]
    times += [(burst, 9_000 + ms) for ms in range(0, 1000, 10)]
    ids, offsets = (np.array(column, np.uint32) for column in zip(*times, strict=True))
    row = ProfileRow(
        group=ProfileGroup(service.pk, "cpu", "samples"),
        period_ns=10_000_000,
        start_ns=start * 10**9,
        end_ns=(start + SECONDS) * 10**9,
        stack_ids=np.array([tick, burst], np.uint32),
        counts=np.array([3 * SECONDS, 100], np.int64),
        offsets=Offsets(ids, offsets, np.ones(len(ids), np.int64)),
    )
    backend.profile_store().append([ProfileBatch(BatchKey(host.pk, "e", 1), [row])])
    sign_in(viewer)
    page.goto(f"/profile/heatmap?service=shop.py&from={start}&to={start + SECONDS}")
    expect(page.get_by_role("application", name="Heat map")).to_be_visible()
    return page


def drag(page: Page, columns: tuple[float, float], rows: tuple[float, float]) -> None:
    """Shares of the map's width and height."""
    canvas = page.get_by_role("application", name="Heat map")
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    assert box
    for at, step in enumerate(zip(columns, rows, strict=True)):
        page.mouse.move(box["x"] + box["width"] * step[0], box["y"] + box["height"] * step[1])
        if at == 0:
            page.mouse.down()
    page.mouse.up()


def test_a_dragged_region_becomes_a_flame_graph_and_a_link_keeps_it(heat: Page) -> None:
    expect(heat.locator("[data-part=words]")).to_contain_text("190 samples in 30 seconds")
    drag(heat, (9.5 / SECONDS, 9.5 / SECONDS), (0.21, 0.79))
    expect(heat.locator("[data-part=selection]")).to_contain_text("200 to 800 ms")
    heat.get_by_role("button", name="Flame graph", exact=True).click()
    expect(heat.locator("[data-flamegraph] canvas")).to_be_visible()
    assert state(heat)["names"] == ["all", "burst"]
    assert state(heat)["total"] == 60
    heat.reload()
    expect(heat.locator("[data-flamegraph] canvas")).to_be_visible()
    assert state(heat)["total"] == 60


def test_the_keyboard_selects_shows_and_compares_two_regions(heat: Page) -> None:
    heat.get_by_role("application", name="Heat map").focus()
    for key in ("ArrowDown", "Shift+ArrowDown", "Shift+PageDown", "Shift+PageDown", "Shift+End"):
        heat.keyboard.press(key)
    expect(heat.locator("[data-part=selection]")).to_contain_text("of each second 20 to 60 ms")
    heat.keyboard.press("b")
    for key in ("Home", "PageDown", "ArrowLeft", "ArrowDown", "Shift+End", "Shift+Home"):
        heat.keyboard.press(key)
    heat.keyboard.press("Enter")
    expect(heat.locator("[data-flamegraph] canvas")).to_be_visible()
    heat.get_by_role("link", name="Compare with the base").click()
    expect(heat.locator("[data-part=changes]")).to_contain_text("burst")
    expect(heat.locator("[data-part=totals]")).to_contain_text("of the base")


def test_profiles_without_times_say_which_have_them(
    page: Page, sign_in, viewer: User, host: Host, valkey, data_dir
) -> None:
    recorded.send(host, recorded.shop_stacks("cpu"))
    sign_in(viewer)
    page.goto("/profile/heatmap?service=shop.py")
    expect(page.get_by_role("alert")).to_contain_text("has sample times")
    expect(page.get_by_role("alert")).to_contain_text("py-spy")
    page.get_by_role("link", name="Flame graph without times").click()
    expect(page.locator("[data-flamegraph] canvas")).to_be_visible()


def test_of_a_long_range_the_last_hour_is_shown(
    page: Page, sign_in, viewer: User, host: Host, data_dir
) -> None:
    sign_in(viewer)
    page.goto("/profile/heatmap?service=shop.py&from=-24h")
    expect(page.locator("main")).to_contain_text("up to an hour")
