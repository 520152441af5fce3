"""Asking for a capture in a real browser, with a real stream process, and py-spy on a real process."""

from __future__ import annotations

import io
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

import msgspec
import pytest
import redis
from django.utils import timezone
from playwright.sync_api import Page, expect

from collectors import wire
from collectors.capture.ending import Ending
from collectors.capture.ondemand import OnDemand, Outlets
from collectors.wire import Command, CommandStatus
from diagnose import queue
from diagnose.captures import files, line, progress, query
from diagnose.models import Capture, Fact, Host, User
from tests.diagnose.stream.conftest import Stream, start
from tests.diagnose.web import recorded

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

_BUSY = """
def spin_for_the_capture():
    while True:
        sum(range(1000))
spin_for_the_capture()
"""


@pytest.fixture(scope="module")
def process(valkey: redis.Redis) -> Iterator[Stream]:
    """One stream process for all."""
    stream = start()
    try:
        yield stream
    finally:
        stream.stop()


@pytest.fixture
def streaming(process: Stream, settings) -> Stream:
    """It, where pages look for it."""
    settings.STREAM_PORT = process.port
    return process


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
    page.get_by_label("Which one").fill(str(pid))
    page.get_by_label("Seconds").fill(str(seconds))
    page.get_by_label("Why?").fill("slow checkout")
    page.get_by_role("button", name="Profile now").click()
    page.wait_for_url("**/captures/0*")
    return page.url.rpartition("/")[2]


def command_of(host: Host) -> Command:
    """What the collector would be told."""
    *_, (_, fields) = queue.client().xrange(queue.commands_stream(host.pk))
    return msgspec.msgpack.decode(fields[b"command"], type=Command)


def stored(host: Host, stacks: wire.Stacks) -> None:
    """As ingest and the worker do it."""
    recorded.send(host, stacks)
    total = stacks.columns.total
    result = progress.Stored(
        stacks.service, [stacks.type], stacks.unit, stacks.start_ns, stacks.end_ns, total
    )
    progress.complete(stacks.capture_id or "", result)


def collect(host: Host) -> None:
    """What the collector does, without the network between."""

    def report(status: CommandStatus) -> None:
        progress.report(host, status)

    def keep(identifier: str, name: str, content: bytes) -> None:
        files.keep(query.get(identifier), name, io.BytesIO(content))

    outlets = Outlets(report, lambda sample: stored(host, sample), keep)  # type: ignore[arg-type]
    OnDemand().run(command_of(host), outlets, Ending())


def tell_kinds(host: Host, **told: str) -> None:
    """As the collector's facts."""
    for name, value in told.items():
        Fact.objects.create(host=host, name=f"capture.{name}", value=value, since=timezone.now())


def test_a_capture_is_followed_live_and_its_flame_graph_opens(
    form: Page, host: Host, streaming: Stream, busy: subprocess.Popen[bytes]
) -> None:
    polled: list[str] = []
    form.on("request", lambda request: polled.append(request.url))
    identifier = ask_for(form, busy.pid)
    expect(form.locator("[data-part=state]")).to_have_text("Waiting for the collector")
    collect(host)
    expect(form.locator("[data-part=state]")).to_have_text("Done")
    expect(form.locator("[data-flamegraph] canvas")).to_be_visible()
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
    expect(form.locator("[data-flamegraph] canvas")).to_be_hidden()
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
    expect(rows).to_contain_text("native")
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
    form.locator("#new-host").select_option("web-2")
    expect(form.locator("input[value='pid:4711']")).to_have_count(1)
    expect(form.locator("input[value='pid:812']")).to_have_count(0)
    assert f"host={other.pk}" in form.url


def test_what_does_not_fit_is_told_beside_its_field(form: Page) -> None:
    form.get_by_role("button", name="Profile now").click()
    expect(form.locator("[data-error=target]")).to_have_text(
        "Choose a service or a process, or name another."
    )
    form.locator("input[value='service:shop.py']").check()
    form.get_by_label("Seconds").fill("1000")
    form.get_by_role("button", name="Profile now").click()
    expect(form.locator("[data-error=seconds]")).to_contain_text("1 to 300 seconds")
    assert not Capture.objects.exists()


def test_the_form_is_filled_in_by_a_link(form: Page, host: Host) -> None:
    form.goto(f"/captures?host={host.pk}&service=shop.py&type=gil#new")
    expect(form.locator("input[value='service:shop.py']")).to_be_checked()
    expect(form.locator("#new-kind")).to_have_value("python_gil")


def test_from_the_page_of_a_host_to_the_flame_graph_of_one_of_its_processes(
    form: Page, host: Host, streaming: Stream, busy: subprocess.Popen[bytes]
) -> None:
    recorded.send(host, *recorded.shop_process(busy.pid))
    form.goto(f"/hosts/{host.pk}")
    form.locator(f"tr[data-key='{busy.pid}']").get_by_role("link", name="Profile now").click()
    expect(form.locator(f"input[value='pid:{busy.pid}']")).to_be_checked()
    expect(form.locator("#new-kind")).to_have_value("python_cpu")
    form.get_by_label("Seconds").fill("1")
    form.get_by_role("button", name="Profile now").click()
    form.wait_for_url("**/captures/0*")
    collect(host)
    expect(form.locator("[data-flamegraph] canvas")).to_be_visible()
    expect(form.locator("tbody th").first).to_contain_text("spin_for_the_capture")
    form.get_by_role("link", name="Compare with the hour before").click()
    expect(form.get_by_role("heading", name="Nothing to compare with")).to_be_visible()


def test_a_capture_is_compared_with_the_hour_before_in_one_click(
    form: Page, host: Host, streaming: Stream
) -> None:
    before = recorded.shop_stacks("gil", end_ns=time.time_ns() - 600 * 10**9)
    recorded.send(host, msgspec.structs.replace(before, type="cpu"))
    identifier = ask_for(form, 812)
    stored(host, recorded.shop_stacks("cpu", capture_id=identifier))
    form.get_by_role("link", name="Compare with the hour before").click()
    expect(form.locator("[data-part=totals]")).to_contain_text("of the base")
    rows = form.locator("[data-part=changes] tbody tr")
    expect(rows.first.locator("td").last).to_contain_text("points")
    expect(form.locator("[data-flamegraph] canvas")).to_be_visible()
    expect(form.get_by_text("Takes a larger share than the base")).to_be_visible()
    rows.first.get_by_role("button").click()
    expect(form.locator("[data-part=details]")).to_contain_text("base")


def test_a_busy_host_shows_the_place_in_its_line_until_the_turn_comes(
    form: Page, host: Host, streaming: Stream
) -> None:
    going = [
        Capture.objects.create(host=host, pid=7, seconds=3, hz=10, requested_by="ada", state="running")
        for _ in range(line.MAX_GOING_PER_HOST)
    ]
    identifier = ask_for(form, 812)
    expect(form.locator("[data-part=state]")).to_have_text("Waits its turn")
    expect(form.locator("[data-part=message]")).to_contain_text("number 1 in the line")
    progress.report(host, CommandStatus(going[0].id, "failed", message="gone"))
    expect(form.locator("[data-part=state]")).to_have_text("Waiting for the collector")
    assert command_of(host).id == identifier


def test_a_refusal_by_the_owner_of_the_host_says_who_and_why(
    form: Page, host: Host, streaming: Stream
) -> None:
    identifier = ask_for(form, 812)
    words = "the owner of this host allows no captures of 'shop*' (stacks.deny in the collector's settings)"
    progress.report(host, CommandStatus(identifier, "failed", message=words, refused=True))
    expect(form.locator("[data-part=state]")).to_have_text("Refused by the host")
    expect(form.locator("[data-part=message]")).to_have_text(words)
    form.goto("/captures?state=refused")
    expect(form.locator("#captures tbody tr")).to_have_count(1)
    expect(form.locator("#captures")).to_contain_text("shop*")


def test_less_than_was_asked_for_is_shown_and_marked(form: Page, host: Host, streaming: Stream) -> None:
    identifier = ask_for(form, 812)
    words = "Process 812 ended after 4.0 of 10 s; what was seen until then is kept."
    progress.report(host, CommandStatus(identifier, "done", 1.0, words, 40, partial=True))
    stored(host, recorded.shop_stacks("cpu", capture_id=identifier))
    expect(form.locator("[data-part=state]")).to_have_text("Done, in part")
    expect(form.locator("[data-part=message]")).to_contain_text(words)
    expect(form.locator("[data-flamegraph] canvas")).to_be_visible()


def test_a_file_is_there_for_download(form: Page, host: Host, streaming: Stream) -> None:
    tell_kinds(host, go_trace="yes", python_cpu="yes")
    form.reload()
    form.locator("#new-kind").select_option("go_trace")
    expect(form.get_by_label("Samples a second")).to_be_hidden()
    identifier = ask_for(form, 812)
    files.keep(query.get(identifier), "trace.out", io.BytesIO(b"go 1.22 trace" * 1000))
    progress.report(host, CommandStatus(identifier, "done", 1.0, "3 MB of events"))
    link = form.get_by_role("link", name="trace.out")
    expect(link).to_be_visible()
    expect(form.locator("[data-part=state]")).to_have_text("Done")
    with form.expect_download() as download:
        link.click()
    assert download.value.path().read_bytes() == b"go 1.22 trace" * 1000


def test_a_kind_that_the_host_lacks_is_offered_as_disabled_with_the_reason(form: Page, host: Host) -> None:
    tell_kinds(host, python_cpu="yes", native_cpu="perf is not installed")
    form.reload()
    expect(form.locator("#new-kind option[value=python_cpu]")).to_be_enabled()
    expect(form.locator("#new-kind option[value=native_cpu]")).to_be_disabled()
    form.get_by_text("kinds cannot be taken on web-1").click()
    expect(form.get_by_text("perf is not installed")).to_be_visible()


def test_several_hosts_are_captured_at_once_and_shown_as_one(
    form: Page, host: Host, streaming: Stream
) -> None:
    other = Host.objects.create(identity="d" * 32, name="web-2")
    lacking = Host.objects.create(identity="c" * 32, name="web-3")
    tell_kinds(lacking, python_cpu="py-spy is missing")
    form.reload()
    form.locator("input[value='service:shop.py']").check()
    form.get_by_text("The same on other hosts").click()
    form.get_by_label("web-2").check()
    form.get_by_label("web-3").check()
    expect(form.get_by_text("on 3 hosts at once")).to_be_visible()
    form.get_by_role("button", name="Profile now").click()
    form.wait_for_url("**/captures/groups/0*")
    expect(form.locator("#members tbody tr")).to_have_count(3)
    expect(form.locator("#members")).to_contain_text("py-spy is missing")
    for one in (host, other):
        stored(one, recorded.shop_stacks("cpu", capture_id=command_of(one).id))
    expect(form.locator("[data-flamegraph] canvas")).to_be_visible(timeout=10000)
    expect(
        form.get_by_text("shop.py on web-1, web-2 as one; the other hosts gave no profile")
    ).to_be_visible()
    expect(form.get_by_role("button", name="Cancel all")).to_have_count(0)


def test_the_list_is_filtered_by_who_what_and_where(form: Page, host: Host) -> None:
    for by, kind in (("ada", "python_gil"), ("oskar", "python_cpu")):
        Capture.objects.create(host=host, pid=7, seconds=3, hz=10, requested_by=by, kind=kind, state="done")
    form.reload()
    expect(form.locator("#captures tbody tr")).to_have_count(2)
    form.get_by_label("Asked for by").select_option("ada")
    expect(form.locator("#captures tbody tr")).to_have_count(1)
    expect(form.locator("#captures")).to_contain_text("GIL")
    form.locator(".captures__filter").get_by_label("Kind").select_option("python_cpu")
    expect(form.get_by_role("heading", name="No capture fits the filter")).to_be_visible()


def test_a_viewer_sees_captures_and_no_form(page: Page, sign_in, viewer: User, host: Host, data_dir) -> None:
    made = Capture.objects.create(host=host, pid=7, seconds=3, hz=9, requested_by="ada", state="failed")
    sign_in(viewer)
    page.goto("/captures")
    expect(page.get_by_role("button", name="Profile now")).to_have_count(0)
    page.locator("#captures tbody a").first.click()
    page.wait_for_url(f"**/captures/{made.id}")
    expect(page.get_by_role("button", name="Cancel")).to_have_count(0)
