"""The Collectors page in a real browser: light, dark, narrow, empty, without script."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import expect

from diagnose.access import tokens
from diagnose.models import Host, IngestGap, ProbeState, QuarantinedBatch, Token
from tests.shelves import stock

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("data_dir")]
REASONS = {
    "cpu": "",
    "memory": "",
    "conntrack": "switched off on this host: [probes] conntrack, its variable or its flag says so",
    "tcp_rtt": "Linux 5.10.0-28-amd64 is too old: eBPF programs without a compiler need 5.17 or newer",
    "namespaces": "setns(/proc/812/ns/net) failed: the collector needs CAP_SYS_ADMIN to enter namespaces",
}


@pytest.fixture
def fleet(db):
    now = datetime.now(UTC)
    for number, (name, agent, seconds) in enumerate(
        (("web-1", "0.1.0", 2), ("web-2", "0.1.0", 90), ("db-1", "0.0.9", 4000), ("new-1", "", None))
    ):
        at = None if seconds is None else now - timedelta(seconds=seconds)
        host = Host.objects.create(
            identity=f"{number:032x}", name=name, agent=agent and f"diagnose-collector/{agent}", last_seen_at=at,
            clock_skew_seconds=number * 3.5,
        )  # fmt: skip
        tokens.issue(Token.Kind.HOST, host=host)
        for probe, reason in REASONS.items() if seconds else ():
            ProbeState.objects.create(
                host=host, probe=probe, ok=not reason, reason=reason, seconds=0.0012, updated_at=now
            )
    old = Host.objects.get(name="db-1")
    IngestGap.objects.create(host=old, epoch="a" * 16, first_seq=3, last_seq=5)
    QuarantinedBatch.objects.create(host=old, epoch="a" * 16, seq=9, error="not a batch", payload=b"")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_an_operator_makes_a_token_and_copies_the_lines(page, sign_in, operator, fleet, scheme):
    stock()
    page.emulate_media(color_scheme=scheme)
    sign_in(operator)
    page.goto("/")
    page.get_by_role("link", name="Collectors").click()
    expect(page.get_by_text("4 collectors, 2 silent, 1 of an older version")).to_be_visible()
    page.get_by_label("Token for").select_option("ten hosts")
    page.get_by_role("button", name="Make a token").click()
    expect(page.locator("#lines")).to_have_text(re.compile(r"^export DIAGNOSE_ENROLL_TOKEN=dge_\S+\ncurl "))
    page.get_by_role("button", name="Copy").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("link", name="diagnose-collector-x86_64.pyz").click()
    assert download.value.suggested_filename == "diagnose-collector-x86_64.pyz"
    assert Token.objects.get(kind=Token.Kind.ENROLL).hosts_left == 10


def test_a_token_stays_while_the_table_follows(page, sign_in, operator, fleet):
    stock()
    sign_in(operator)
    page.goto("/collectors")
    page.get_by_role("button", name="Make a token").click()
    shown = page.locator("#lines").inner_text()
    Host.objects.create(identity="f" * 32, name="fresh-1")
    expect(page.get_by_role("link", name="fresh-1")).to_be_visible(timeout=10_000)
    assert page.locator("#lines").inner_text() == shown


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_one_collector_shows_its_probes_with_remedies_and_fits_a_narrow_screen(
    page, sign_in, admin, fleet, scheme
):
    page.emulate_media(color_scheme=scheme)
    sign_in(admin)
    page.goto("/collectors")
    page.get_by_role("link", name="db-1").click()
    expect(page.get_by_text("To get it: Linux 5.17 or newer.")).to_be_visible()
    page.set_viewport_size({"width": 390, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.get_by_text("Revoke…").click()
    page.get_by_role("button", name="Revoke the credential of db-1").click()
    expect(page.get_by_text("Its collector is refused from now on.")).to_be_visible()
    page.goto("/collectors")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_an_empty_one_without_wheels_says_why_and_what_comes(page, sign_in, operator):
    sign_in(operator)
    page.goto("/collectors")
    expect(page.get_by_text("Hosts cannot install the collector from here")).to_be_visible()
    expect(page.get_by_role("heading", name="No collector yet", level=2)).to_be_visible()


def test_it_is_whole_without_script(browser, page, sign_in, operator, fleet, live_server):
    stock()
    sign_in(operator)
    context = browser.new_context(java_script_enabled=False, base_url=live_server.url)
    try:
        context.add_cookies(page.context.cookies())
        plain = context.new_page()
        plain.goto("/collectors")
        plain.get_by_role("button", name="Make a token").click()
        expect(plain.locator("#lines")).to_contain_text("export DIAGNOSE_ENROLL_TOKEN=dge_")
        plain.get_by_role("link", name="Version").click()
        expect(plain.locator("th[aria-sort=ascending]")).to_have_text("Version")
    finally:
        context.close()
