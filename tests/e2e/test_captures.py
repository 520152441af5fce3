"""Asking for a capture in a real browser, with a real stream process, and py-spy on a real process."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator

import msgspec
import pytest
import redis
from playwright.sync_api import Page, expect

from collectors.capture.ending import Ending
from collectors.capture.ondemand import OnDemand, Outlets
from collectors.wire import Command, CommandStatus
from diagnose import queue
from diagnose.captures import progress
from diagnose.models import Capture, Host, User
from tests.diagnose.stream.conftest import Stream, start
from tests.diagnose.web import recorded

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

_BUSY = """
def spin_for_the_capture():
    while True:
        sum(range(1000))
spin_for_the_capture()
"""


@pytest.fixture
def streaming(valkey: redis.Redis, settings) -> Iterator[Stream]:
    """The stream process, where pages look for it."""
    stream = start()
    settings.STREAM_PORT = stream.port
    try:
        yield stream
    finally:
        stream.stop()


@pytest.fixture
def busy() -> Iterator[subprocess.Popen[bytes]]:
    """A Python process with one hot function."""
    process = subprocess.Popen([sys.executable, "-c", _BUSY])
    try:
        yield process
    finally:
        process.kill()
        process.wait()


@pytest.fixture
def form(page: Page, sign_in: Callable[[User], None], operator: User, host: Host, data_dir, valkey) -> Page:
    """The Captures page of an operator, on a host that told of two processes."""
    recorded.send(
        host, *recorded.shop_process(812), *recorded.shop_process(99, name="nginx", runtime="native")
    )
    sign_in(operator)
    page.goto("/captures")
    return page


def ask_for(page: Page, pid: int, seconds: int = 2) -> str:
    """Press the button; the id of the capture whose page opens."""
    page.get_by_label("Process id").fill(str(pid))
    page.get_by_label("Seconds").fill(str(seconds))
    page.get_by_label("Why?").fill("slow checkout")
    page.get_by_role("button", name="Profile now").click()
    page.wait_for_url("**/captures/0*")
    return page.url.rpartition("/")[2]


def command_of(host: Host) -> Command:
    """What the collector would be told."""
    ((_, fields),) = queue.client().xrange(queue.commands_stream(host.pk))
    return msgspec.msgpack.decode(fields[b"command"], type=Command)


def collect(host: Host) -> None:
    """What the collector does, without the network between."""

    def emit(stacks) -> None:
        recorded.send(host, stacks)
        stored = progress.Stored(
            stacks.service,
            [stacks.type],
            stacks.unit,
            stacks.start_ns,
            stacks.end_ns,
            stacks.columns.total,
        )
        progress.complete(stacks.capture_id, stored)

    def report(status: CommandStatus) -> None:
        progress.report(host, status)

    def keep(identifier: str, name: str, content: bytes) -> None:
        raise AssertionError(f"{identifier} has no file {name} of {len(content)} bytes")

    OnDemand().run(command_of(host), Outlets(report, emit, keep), Ending())


def test_a_capture_is_followed_live_and_its_flame_graph_opens(
    form: Page, host: Host, streaming: Stream, busy: subprocess.Popen[bytes]
) -> None:
    polled: list[str] = []
    form.on("request", lambda request: polled.append(request.url))
    identifier = ask_for(form, busy.pid)
    expect(form.locator("[data-part=state]")).to_have_text("Waiting for the collector")
    collect(host)
    expect(form.locator("[data-part=state]")).to_have_text("Done")
    expect(form.locator("canvas")).to_be_visible()
    expect(form.locator("tbody th").first).to_contain_text("spin_for_the_capture")
    expect(form.get_by_role("button", name="Cancel")).to_be_hidden()
    assert not [url for url in polled if url.endswith(f"/api/v1/captures/{identifier}")], "it had to poll"


def test_progress_is_shown_as_it_is_reported(form: Page, host: Host, streaming: Stream) -> None:
    identifier = ask_for(form, 812)
    progress.report(host, CommandStatus(identifier, "running", 0.4, "Sampling process 812: 4 of 10 s", 40))
    expect(form.locator("[data-part=message]")).to_have_text("Sampling process 812: 4 of 10 s")
    expect(form.get_by_role("progressbar")).to_have_js_property("value", 0.4)


@pytest.mark.parametrize("pid", [4194303])
def test_a_process_that_is_gone_is_told_in_plain_words(
    form: Page, host: Host, streaming: Stream, pid: int
) -> None:
    ask_for(form, pid)
    collect(host)
    expect(form.locator("[data-part=state]")).to_have_text("Failed")
    expect(form.locator("[data-part=message]")).to_contain_text(str(pid))
    expect(form.locator("canvas")).to_be_hidden()
    form.goto("/captures?state=failed")
    expect(form.locator("#captures")).to_contain_text(str(pid))


def test_without_the_stream_process_the_page_asks_by_itself(form: Page, host: Host, settings) -> None:
    settings.STREAM_PORT = 1  # nobody listens there
    identifier = ask_for(form, 812)
    form.wait_for_timeout(300)
    progress.report(host, CommandStatus(identifier, "failed", message="Process 812 is not Python."))
    expect(form.locator("[data-part=message]")).to_have_text("Process 812 is not Python.", timeout=15000)


def test_cancel_calls_it_off(form: Page, host: Host, streaming: Stream) -> None:
    identifier = ask_for(form, 812)
    form.get_by_role("button", name="Cancel").click()
    expect(form.locator("[data-part=state]")).to_have_text("Cancelled")
    assert Capture.objects.get(pk=identifier).state == "cancelled"
    expect(form.get_by_role("button", name="Cancel")).to_be_hidden()


def test_processes_are_found_by_service_name_and_pid(form: Page) -> None:
    find, rows = form.get_by_label("Find a process"), form.locator("#processes li:visible")
    expect(rows).to_have_count(3)
    find.fill("nginx")
    expect(rows).to_have_count(1)
    expect(rows).to_contain_text("not Python")
    find.fill("812")
    expect(rows).to_contain_text("shop.py")


def test_what_was_chosen_stays_while_the_list_below_follows(form: Page, host: Host, admin: User) -> None:
    form.locator("input[value='pid:812']").check()
    Capture.objects.create(host=host, pid=7, seconds=3, hz=9, requested_by="ada", state="done", samples=5)
    expect(form.locator("#captures tbody tr")).to_have_count(1, timeout=10000)
    expect(form.locator("input[value='pid:812']")).to_be_checked()


def test_another_host_brings_its_own_processes(form: Page, host: Host) -> None:
    other = Host.objects.create(identity="d" * 32, name="web-2")
    recorded.send(other, *recorded.shop_process(4711))
    form.reload()
    form.get_by_label("Host").select_option("web-2")
    expect(form.locator("input[value='pid:4711']")).to_have_count(1)
    expect(form.locator("input[value='pid:812']")).to_have_count(0)
    assert f"host={other.pk}" in form.url


def test_what_does_not_fit_is_told_beside_its_field(form: Page) -> None:
    form.get_by_role("button", name="Profile now").click()
    expect(form.locator("[data-error=target]")).to_have_text("Choose a service or a process.")
    form.locator("input[value='service:shop.py']").check()
    form.get_by_label("Seconds").fill("1000")
    form.get_by_role("button", name="Profile now").click()
    expect(form.locator("[data-error=seconds]")).to_contain_text("1 to 300 seconds")
    assert not Capture.objects.exists()


def test_the_form_is_filled_in_by_a_link(form: Page, host: Host) -> None:
    form.goto(f"/captures?host={host.pk}&service=shop.py&type=gil#new")
    expect(form.locator("input[value='service:shop.py']")).to_be_checked()
    expect(form.get_by_label("Type")).to_have_value("python_gil")


def test_a_viewer_sees_captures_and_no_form(page: Page, sign_in, viewer: User, host: Host, data_dir) -> None:
    made = Capture.objects.create(host=host, pid=7, seconds=3, hz=9, requested_by="ada", state="failed")
    sign_in(viewer)
    page.goto("/captures")
    expect(page.get_by_role("button", name="Profile now")).to_have_count(0)
    page.locator("#captures tbody a").click()
    page.wait_for_url(f"**/captures/{made.id}")
    expect(page.get_by_role("button", name="Cancel")).to_have_count(0)
