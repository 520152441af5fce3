"""A real Chromium for the tests in this folder: `browser` once, `page` (signed out) for each test."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from django.conf import settings
from django.test import Client
from playwright.sync_api import Browser, ConsoleMessage, Page, sync_playwright

from diagnose.models import User
from tests.e2e.chromium import chromium_path


# Of this folder only: Playwright keeps an event loop running in the thread, where other tests start their own.
@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=chromium_path(), args=["--no-sandbox"])
        try:
            yield chromium
        finally:
            chromium.close()


def _is_defect(line: ConsoleMessage) -> bool:
    """Chromium logs each failed response; a 403 or 422 may be the point of a test, a missing file (404) is not."""
    refused = line.text.startswith("Failed to load resource") and "404" not in line.text
    return line.type == "error" and not refused


@pytest.fixture
def page(browser: Browser, live_server) -> Iterator[Page]:
    """A fresh window with `live_server` as base; an error in the page's script or console fails the test."""
    context = browser.new_context(base_url=live_server.url, viewport={"width": 1280, "height": 900})
    errors: list[str] = []
    try:
        page = context.new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda line: errors.append(line.text) if _is_defect(line) else None)
        yield page
        assert not errors, "\n".join(errors)
    finally:
        context.close()


@pytest.fixture
def sign_in(page: Page, live_server) -> Callable[[User], None]:
    """Signs a user in without going through the form."""

    def sign_in(user: User) -> None:
        client = Client()
        client.force_login(user)
        cookie = client.cookies[settings.SESSION_COOKIE_NAME]
        page.context.add_cookies(
            [{"name": settings.SESSION_COOKIE_NAME, "value": cookie.value, "url": live_server.url}]
        )

    return sign_in
