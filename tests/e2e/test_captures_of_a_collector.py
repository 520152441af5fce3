"""From the page of a host to an opened flame graph, with the whole product: real collector, queue, worker, py-spy."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.integration.product import Product, until

pytestmark = [pytest.mark.browser, pytest.mark.system]
PORT = 18_860
_BUSY = """
import threading, time
def spin_for_the_capture():
    while True:
        sum(range(1000))
def wait_for_the_capture():
    while True:
        time.sleep(0.05)
threading.Thread(target=wait_for_the_capture, daemon=True).start()
spin_for_the_capture()
"""


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    running = Product(tmp_path_factory.mktemp("captures"), PORT)
    running.environ["DIAGNOSE_COLLECTOR_STACKS_DENY"] = "vault*"
    try:
        running.start()
        yield running
    finally:
        if running.process and running.process.poll() is None:
            running.stop()
        running.kill_rest()


@pytest.fixture(scope="module")
def window(product: Product, browser: Browser) -> Iterator[Page]:
    """Signed in by the link that the product printed, which works once."""
    context = browser.new_context(base_url=f"http://127.0.0.1:{PORT}")
    page = context.new_page()
    page.set_default_timeout(30_000)
    page.goto(product.link())
    yield page
    context.close()


def service(name: str) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen([sys.executable, "-c", _BUSY], env={**os.environ, "DIAGNOSE_SERVICE": name})
    try:
        yield process
    finally:
        process.kill()
        process.wait()


@pytest.fixture(scope="module")
def shop() -> Iterator[subprocess.Popen[bytes]]:
    yield from service("shop-of-captures")


@pytest.fixture(scope="module")
def vault() -> Iterator[subprocess.Popen[bytes]]:
    yield from service("vault-of-captures")


@pytest.fixture
def form(product: Product, window: Page, shop: subprocess.Popen[bytes]) -> Page:
    """The form, opened by the button of the shop's process on the page of its host."""

    def told() -> bool:
        (host,) = product.ask("/hosts")["results"]
        window.goto(f"/hosts/{host['id']}?all=1")
        return window.locator(f"tr[data-key='{shop.pid}']").count() == 1

    until(told, 60)
    window.locator(f"tr[data-key='{shop.pid}']").get_by_role("link", name="Profile now").click()
    return window


def samplers() -> list[str]:
    """Command lines of py-spy that look as often as only these captures do."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_text().split("\0")
        except OSError:
            continue
        if "py-spy" in words[0] and "977" in words:
            found.append(" ".join(words))
    return found


def test_the_flame_graph_of_a_process_opens_by_itself(form: Page, shop: subprocess.Popen[bytes]) -> None:
    expect(form.locator("#new-kind")).to_have_value("python_cpu")
    form.get_by_label("Seconds").fill("2")
    form.get_by_label("Why?").fill("a test")
    form.get_by_role("button", name="Profile now").click()
    form.wait_for_url("**/captures/0*")
    expect(form.locator("[data-part=state]")).to_have_text("Done", timeout=30_000)
    expect(form.locator("[data-flamegraph] canvas")).to_be_visible()
    expect(form.locator("tbody th").first).to_contain_text("spin_for_the_capture")
    expect(form.locator("[data-part=message]")).to_contain_text("samples in")


def test_a_capture_that_is_called_off_ends_on_the_host_too(form: Page) -> None:
    form.get_by_label("Seconds").fill("120")
    form.get_by_label("Samples a second").fill("977")
    form.get_by_role("button", name="Profile now").click()
    expect(form.locator("[data-part=state]")).to_have_text("Sampling", timeout=30_000)
    assert samplers()
    form.get_by_role("button", name="Cancel").click()
    expect(form.locator("[data-part=state]")).to_have_text("Cancelled")
    until(lambda: not samplers(), 10, lambda: "\n".join(samplers()))


def test_what_the_owner_of_the_host_denies_is_refused_with_the_pattern(
    form: Page, vault: subprocess.Popen[bytes]
) -> None:
    form.get_by_label("Which one").fill(str(vault.pid))
    form.get_by_role("button", name="Profile now").click()
    expect(form.locator("[data-part=state]")).to_have_text("Refused by the host", timeout=30_000)
    expect(form.locator("[data-part=message]")).to_contain_text("no captures of 'vault*'")


def test_all_kinds_of_this_host_are_offered_by_what_its_collector_says(product: Product, form: Page) -> None:
    (host,) = product.ask("/hosts")["results"]
    kinds = {
        each["name"]: each["missing"] for each in product.ask(f"/captures/kinds?host={host['id']}")["results"]
    }
    assert kinds["python_cpu"] is None
    lacking = form.locator("#new-kind option[disabled]").evaluate_all("all => all.map(each => each.value)")
    assert set(lacking) == {name for name, missing in kinds.items() if missing}


@pytest.mark.parametrize(
    "kind", ["python_wall", "python_gil", "python_native", "python_dump", "native_cpu", "offcpu"]
)
def test_each_kind_that_fits_the_process_ends_as_a_flame_graph(
    product: Product, form: Page, kind: str
) -> None:
    if form.locator(f"#new-kind option[value={kind}]").is_disabled():
        pytest.skip(f"this host's collector cannot take {kind}")
    form.locator("#new-kind").select_option(kind)
    if form.get_by_label("Seconds").is_visible():
        form.get_by_label("Seconds").fill("2")
    form.get_by_role("button", name="Profile now").click()
    form.wait_for_url("**/captures/0*")
    expect(form.locator("[data-part=state]")).to_have_text("Done", timeout=60_000)
    expect(form.locator("[data-part=totals]")).to_contain_text(" · ")
    expect(form.locator(".profile [data-part=problem]")).to_be_hidden()


def test_a_line_before_the_host_moves_up_when_one_is_called_off(product: Product, form: Page) -> None:
    (host,) = product.ask("/hosts")["results"]
    pid = int(form.locator("input[name=target]:checked").input_value().partition(":")[2])
    body = {"target": {"host": host["id"], "pid": pid}, "kind": "python_wall", "seconds": 60, "hz": 10}
    going = [product.ask("/captures", "POST", body) for _ in range(4)]
    try:
        form.get_by_label("Seconds").fill("1")
        form.get_by_role("button", name="Profile now").click()
        expect(form.locator("[data-part=message]")).to_contain_text("number 1 in the line")
        time.sleep(1)
        product.ask(f"/captures/{going[0]['id']}", "DELETE")
        expect(form.locator("[data-part=state]")).to_have_text("Done", timeout=30_000)
    finally:
        for one in going[1:]:
            product.ask(f"/captures/{one['id']}", "DELETE")


def test_a_large_file_of_a_capture_arrives_whole(product: Product, form: Page) -> None:
    (host,) = product.ask("/hosts")["results"]
    pid = int(form.locator("input[name=target]:checked").input_value().partition(":")[2])
    body = {"target": {"host": host["id"], "pid": pid}, "kind": "python_cpu", "seconds": 5, "hz": 10}
    capture = product.ask("/captures", "POST", body)
    token = (product.data_dir / "collector" / "token").read_text().strip()
    content = os.urandom(1 << 20) * 40
    path = f"/api/v1/captures/{capture['id']}/files?name=trace.out"
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/octet-stream"}
    status, answer = product.request("POST", path, content, headers)
    assert status == 201, answer[:300]
    (file,) = product.ask(f"/captures/{capture['id']}")["files"]
    admin = (product.data_dir / "admin-token").read_text().strip()
    status, found = product.request("GET", file["url"], headers={"Authorization": f"Bearer {admin}"})
    assert (status, len(found), found == content) == (200, len(content), True)
