"""The Host page over a day and the Hosts page of 2,000 hosts, as the product's web process serves them to a Chromium.

One host has a whole day of readings every ten seconds (about 600 series, sealed) and of histograms (42 of them); the
others have none. `server` is from the request to the last byte of the answer, over one kept connection; `first_chart`
and `all_charts` are from the navigation's start to the change that draws the first and the last of the page's charts,
in a window that is tall enough for all of them. A keystroke is timed from the input event to the next frame.
"""

from __future__ import annotations

import http.client
from collections.abc import Iterator

import numpy as np
from playwright.sync_api import Browser, Page

from bench import _page, _stored
from bench._results import ROUNDS, Row, milliseconds, row
from bench._stored import DAY, SECOND

HOSTS = 2000
_BEGIN = _stored.TODAY - DAY
_STEP_SECONDS = 10
_OBSERVE = """new MutationObserver((changes) => {
  for (const {target} of changes) {
    if (!["drawn", "empty"].includes(target.dataset.state)) continue;
    if (target.dataset.state === "drawn") window.firstChart ??= performance.now();
    if (!document.querySelector(".chart[data-state=waiting]")) window.allCharts ??= performance.now();
  }
}).observe(document, {subtree: true, attributes: true, attributeFilter: ["data-state"]});"""
_KEYSTROKE = """async (text) => {
  const box = document.getElementById("filter");
  const began = performance.now();
  box.value = text;
  box.dispatchEvent(new Event("input", {bubbles: true}));
  await new Promise((done) => requestAnimationFrame(done));
  return performance.now() - began;
}"""


def rows(browser: Browser) -> Iterator[Row]:
    """Of an installation that is empty."""
    from diagnose.models import Host

    fill(Host.objects.create(identity="a" * 32, name="web-0"))
    Host.objects.bulk_create(Host(identity=f"{n:032x}", name=f"node-{n:04}") for n in range(1, HOSTS))
    with _page.web() as connection:
        cookie = _session()
        host = Host.objects.get(name="web-0").pk
        span = f"from={_BEGIN // SECOND}&to={(_BEGIN + DAY) // SECOND}"
        yield from _server(connection, cookie, f"/hosts/{host}", span)
        context = browser.new_context(
            viewport={"width": 1280, "height": 9000}, base_url=f"http://127.0.0.1:{_page.PORT}"
        )
        context.add_cookies([{"name": "sessionid", "value": cookie, "url": f"http://127.0.0.1:{_page.PORT}"}])
        page = context.new_page()
        page.add_init_script(_OBSERVE)
        yield from _charts(page, f"/hosts/{host}?{span}")
        page.set_viewport_size({"width": 1280, "height": 900})
        yield from _fleet(page)
        context.close()


def _session() -> str:
    from django.conf import settings
    from django.test import Client

    from diagnose.models import User
    from diagnose.models.access import Role

    client = Client()
    client.force_login(User.objects.create_user("bench", password=None, role=Role.VIEWER))
    return client.cookies[settings.SESSION_COOKIE_NAME].value


def _server(connection: http.client.HTTPConnection, cookie: str, path: str, span: str) -> Iterator[Row]:
    from diagnose.reports.host_charts import GROUPS

    def ask(address: str) -> bytes:
        connection.request(
            "GET", address, headers={"Cookie": f"sessionid={cookie}", "Accept-Encoding": "gzip"}
        )
        answer = connection.getresponse()
        body = answer.read()
        if answer.status != 200:
            raise SystemExit(f"{address}: {answer.status} {answer.headers.get('Location')} {body[:300]!r}")
        return body

    yield row("host_24h_server", milliseconds(lambda: ask(f"{path}?{span}"), ROUNDS), "ms", "lower", 150)
    for group in GROUPS:
        address = f"{path}/charts?group={group}&{span}"
        times = milliseconds(lambda a=address: ask(a), ROUNDS)
        yield row(f"host_24h_server_charts_{group}", times, "ms", "lower", 150)


def _charts(page: Page, address: str) -> Iterator[Row]:
    first, every = [], []
    for _ in range(ROUNDS + 1):
        page.goto(address)
        page.wait_for_selector(".chart[data-state=waiting]", state="detached", timeout=60_000)
        first.append(page.evaluate("window.firstChart"))
        every.append(page.evaluate("window.allCharts"))
    yield row("host_24h_first_chart", first[1:], "ms", "lower", 1000)
    yield row("host_24h_all_charts", every[1:], "ms", "lower", 2500)


def _fleet(page: Page) -> Iterator[Row]:
    shown, typed = [], []
    for _ in range(ROUNDS + 1):
        page.goto("/hosts")
        page.wait_for_selector(f"table[aria-rowcount='{HOSTS + 1}']")
        shown.append(page.evaluate("performance.now()"))
        typed.append(max(page.evaluate(_KEYSTROKE, text) for text in ("1", "19", "190", "")))
    yield row("hosts_2000_shown", shown[1:], "ms", "lower", 1000)
    yield row("hosts_2000_keystroke", typed[1:], "ms", "lower", 50)


def fill(host: object) -> None:
    """A whole day of one host, sealed."""
    from diagnose.store import backend, serieskeys
    from diagnose.store.rows import BatchKey, HistogramRow, MetricBatch, PointColumns

    chance = np.random.default_rng(4)
    times = (_BEGIN + np.arange(DAY // SECOND // _STEP_SECONDS) * _STEP_SECONDS * SECOND).tolist()
    for number, (metric, labels, counter) in enumerate(_series()):
        key = serieskeys.key_of(metric, labels)
        ids = serieskeys.series_numbers(host, [key], [counter])
        _stored.put_points(host.pk, 10**6 + number, ids, times, chance.poisson(4, len(times)))
    none = PointColumns(np.empty(0, np.uint32), np.empty(0, np.int64), np.empty(0))
    for number, (metric, labels) in enumerate(_histograms()):
        (series,) = serieskeys.series_numbers(host, [serieskeys.key_of(metric, labels)], [False])
        buckets = [np.unique(chance.normal(80, 14, 12).clip(0, 250).astype(np.int64)) for _ in range(50)]
        counted = [
            HistogramRow(series, at, "loglin20", 0.1, some, np.full(len(some), 3, np.int64))
            for place, at in enumerate(times)
            for some in (buckets[place % len(buckets)],)
        ]
        backend.metric_store().append([MetricBatch(BatchKey(host.pk, "histograms", number), none, counted)])
    backend.metric_store().seal(_stored.TODAY)


def _series() -> Iterator[tuple[str, dict[str, str], bool]]:
    modes = ("user", "nice", "system", "irq", "softirq", "iowait", "steal", "idle")
    for cpu in range(8):
        yield from (("cpu_seconds_total", {"cpu": str(cpu), "mode": mode}, True) for mode in modes)
        yield "softnet_dropped_total", {"cpu": str(cpu)}, True
        yield "softnet_times_squeezed_total", {"cpu": str(cpu)}, True
    for metric in ("procs_running", "load1", "sockstat_TCP_orphan", "sockstat_UDP_inuse"):
        yield metric, {}, False
    yield "pressure_cpu_waiting_seconds_total", {}, True
    for name in ("MemTotal", "MemAvailable", "SwapTotal", "SwapFree"):
        yield f"memory_{name}_bytes", {}, False
    for name in (
        "TcpExt_ListenOverflows",
        "TcpExt_ListenDrops",
        "Tcp_RetransSegs",
        "Tcp_OutRsts",
        "Tcp_EstabResets",
    ):
        yield f"netstat_{name}", {"netns": ""}, True
    for state in ("established", "time_wait", "close_wait", "syn_recv", "fin_wait1", "fin_wait2"):
        yield "tcp_connection_states", {"state": state, "netns": ""}, False
    for number in range(40):
        where = {"pid": str(number), "service": f"svc-{number % 20}"}
        yield "process_cpu_seconds_total", where, True
        for metric in ("resident_memory_bytes", "open_fds", "max_fds", "threads", "info"):
            yield f"process_{metric}", where, False
    for number in range(20):
        where = {"cgroup": f"/system.slice/svc-{number}", "service": f"svc-{number}"}
        yield "cgroup_cpu_usage_seconds_total", where, True
        yield "cgroup_cpu_throttled_seconds_total", where, True
        yield "cgroup_memory_usage_bytes", where, False
        for wait in ("poll", "lock", "running", "receive"):
            yield "service_threads_waiting", {"service": f"svc-{number}", "wait": wait}, False
        yield "service_run_seconds_total", {"service": f"svc-{number}"}, True
    for number in range(10):
        where = {
            "listener": f"0.0.0.0:{8000 + number}",
            "pid": str(number),
            "service": f"svc-{number}",
            "netns": "",
        }
        yield "listener_accept_queue_length", where, False
        yield "listener_accept_queue_limit", where, False
        yield "listener_drops_total", where, True
    for device in ("nvme0n1", "nvme1n1"):
        yield "disk_io_time_seconds_total", {"device": device}, True


def _histograms() -> Iterator[tuple[str, dict[str, str]]]:
    for number in range(10):
        yield "tcp_rtt_seconds", {"port": str(8000 + number), "netns": ""}
        yield (
            "accept_wait_seconds",
            {"listener": f"0.0.0.0:{8000 + number}", "service": f"svc-{number}", "netns": ""},
        )
        yield "runqueue_wait_seconds", {"service": f"svc-{number}"}
        yield "tcp_connect_seconds", {"dst": f"10.0.0.{number}:5432", "netns": ""}
    for operation in ("read", "write"):
        yield "disk_io_seconds", {"device": "nvme0n1", "operation": operation}
