"""The Compare page in a real browser: two ranges, hosts and labels of the recorded shop."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from msgspec.structs import replace
from playwright.sync_api import Page, expect

from diagnose.models import Host, User
from tests.diagnose.web import recorded
from tests.e2e.flame import click_on, state

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
NOW = int(time.time())


@pytest.fixture
def shop(page: Page, sign_in: Callable[[User], None], viewer: User, host: Host, valkey, data_dir) -> Page:
    """The shop's CPU now, and what holds its interpreter lock sent as its CPU an hour ago, of two versions."""
    for kind, age, version in (("cpu", 60, "2"), ("gil", 3660, "1")):
        seen = recorded.shop_stacks(kind, end_ns=(NOW - age) * 10**9)
        recorded.send(host, replace(seen, type="cpu", labels={**seen.labels, "version": version}))
    sign_in(viewer)
    return page


def test_another_time_is_one_click_away_and_colours_the_graph(shop: Page) -> None:
    shop.goto("/profile/compare?service=shop.py")
    expect(shop.locator("[data-part=totals]")).to_contain_text("The base has nothing")
    shop.get_by_role("link", name="an hour earlier").click()
    expect(shop.locator("[data-part=totals]")).to_contain_text("of the base")
    expect(shop.get_by_label("Colour by")).to_have_value("change")
    click_on(shop, "Shop.price")
    expect(shop.locator("[data-part=details]")).to_contain_text("points")
    changed = state(shop)["total"]
    shop.get_by_role("button", name="Hide").click()
    assert state(shop)["total"] < changed
    shop.get_by_label("Colour by").select_option("package")
    assert state(shop)["fills"] > 1


def test_versions_beside_each_other_by_their_label(shop: Page) -> None:
    shop.goto(f"/profile/compare?service=shop.py&from={NOW - 7200}&to={NOW}&label.version=2"
              f"&base.from={NOW - 7200}&base.to={NOW}")  # fmt: skip
    expect(shop.locator("[data-part=totals]")).to_contain_text("of the base")
    shop.get_by_label("version", exact=True).select_option("1")
    shop.wait_for_url("**base.label.version=1**")
    expect(shop.get_by_role("list", name="Only a part of the service")).to_contain_text("version 2")
    expect(shop.locator("[data-part=changes] tbody tr").first).to_contain_text("points")


def test_an_impossible_base_is_said_and_the_range_before_is_shown(shop: Page) -> None:
    shop.goto(f"/profile/compare?service=shop.py&base.from={NOW}&base.to={NOW - 50}")
    expect(shop.locator("main")).to_contain_text("is not before")
    expect(shop.locator("[data-part=totals]")).to_contain_text("of the base")
