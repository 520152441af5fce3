"""Makes the pictures of the documentation from a running product, which `make demo` can fill:

python -m tests.e2e.screenshots http://127.0.0.1:8000/sign-in/<secret>

The link comes from `manage.py sign_in_link`. The pictures go to static/img.
"""

from __future__ import annotations

import sys
from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import Page, ViewportSize, sync_playwright

from tests.e2e.chromium import chromium_path

IMAGES = Path(__file__).resolve().parents[2] / "static" / "img"
SIZE: ViewportSize = {"width": 1280, "height": 860}
# Without the table below the flame graph: it has paths of the machine the picture was made on.
FLAME_GRAPH_SIZE: ViewportSize = {"width": 1280, "height": 600}
_SETTLE_MS = 1500  # charts draw after the page is loaded


def take(page: Page, address: str, name: str, size: ViewportSize = SIZE) -> None:
    page.goto(address)
    page.wait_for_load_state("load")
    page.wait_for_timeout(_SETTLE_MS)
    page.screenshot(path=str(IMAGES / f"{name}.png"), clip={"x": 0, "y": 0, **size})


def main(link: str) -> None:
    base = "{0.scheme}://{0.netloc}".format(urlsplit(link))
    IMAGES.mkdir(exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path(), args=["--no-sandbox"])
        page = browser.new_page(viewport=SIZE, base_url=base, color_scheme="light")
        page.goto(link)
        host = page.request.get("/api/v1/hosts").json()["results"][0]["id"]
        findings = page.request.get("/api/v1/findings?state=all").json()["results"]
        take(page, f"/hosts/{host}", "host")
        take(page, "/profile?service=diagnose-shop", "profile", FLAME_GRAPH_SIZE)
        if findings:
            take(page, f"/findings/{findings[0]['id']}", "finding")
        browser.close()


if __name__ == "__main__":
    main(sys.argv[1])
