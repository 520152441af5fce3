"""Pages of real HTTP servers: counters as increases, bounds, and pages that are away."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors import exposition, values
from collectors.exposition import Reading
from collectors.probe import NoData
from collectors.probes.app import scrape
from collectors.probes.app.scrape import Scrape
from collectors.wire import Points, ProbeStatus, Series, encode_series
from tests.collectors.probes.recorded import host

PAGE = """# HELP http_requests_total Requests.
# TYPE http_requests_total counter
http_requests_total{code="200",service="own",path="/a \\"b\\" \\\\ \\n"} 10
# TYPE pool_in_use gauge
pool_in_use 7 1700000000000
# TYPE latency_seconds histogram
latency_seconds_bucket{le="0.1"} 3
latency_seconds_bucket{le="+Inf"} 5
latency_seconds_sum 1.5
latency_seconds_count 5
# TYPE errors counter
errors_total{kind="db"} 2 # {trace_id="x"} 1
weird NaN
not a sample
"""


@contextmanager
def page(content: list[str], status: int = 200) -> Iterator[str]:
    """The address of a page; its content may be changed in place."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = content[0].encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/metrics"
    finally:
        server.shutdown()
        server.server_close()


def told(probe: Scrape) -> dict[tuple[str, ...], tuple[float, bool]]:
    points = [sample for sample in probe.collect(host()) if isinstance(sample, Points)]
    return {
        (p.metric, *sorted(f"{k}={v}" for k, v in p.labels.items())): (p.values[0], p.counter) for p in points
    }


def test_counters_are_told_as_increases_and_gauges_as_they_are():
    content = [PAGE]
    with page(content) as address:
        probe = Scrape([("shop", address)])
        assert told(probe) == {("pool_in_use", "service=shop"): (7.0, False)}
        content[0] = PAGE.replace("} 10", "} 14").replace('le="0.1"} 3', 'le="0.1"} 4')
        found = told(probe)
    path = 'path=/a "b" \\ \n'
    assert found["http_requests_total", "code=200", "exported_service=own", path, "service=shop"] == (
        4.0,
        True,
    )
    assert found["latency_seconds_bucket", "le=0.1", "service=shop"] == (1.0, True)
    assert found["latency_seconds_sum", "service=shop"] == (0.0, True)
    assert found["errors_total", "kind=db", "service=shop"] == (0.0, True)


def test_a_restarted_application_counts_from_zero():
    content = ["# TYPE a_total counter\na_total 100\n"]
    with page(content) as address:
        probe = Scrape([("shop", address)])
        told(probe)
        content[0] = "# TYPE a_total counter\na_total 3\n"
        assert told(probe) == {("a_total", "service=shop"): (3.0, True)}


def test_a_page_that_is_away_does_not_hide_the_others_and_is_said(monkeypatch):
    monkeypatch.setattr(scrape, "SECONDS", 0.5)
    with page(["up 1\n"]) as address, page(["gone"], status=404) as missing:
        samples = list(Scrape([("shop", address), ("old", missing)]).collect(host()))
        statuses = {s.probe: s for s in samples if isinstance(s, ProbeStatus)}
        assert [s.metric for s in samples if isinstance(s, Points)] == ["up"]
        assert statuses["scrape.shop"].ok
        assert "answered 404" in statuses["scrape.old"].reason
    with pytest.raises(NoData, match="did not answer"):
        list(Scrape([("shop", address)]).collect(host()))


def test_series_and_bytes_are_bounded(monkeypatch):
    monkeypatch.setattr(scrape, "MOST_SERIES", 3)
    with page(["".join(f'many{{n="{n}"}} 1\n' for n in range(9))]) as address:
        assert len(told(Scrape([("shop", address)]))) == 3
        monkeypatch.setattr(scrape, "MOST_BYTES", 40)
        samples = list(Scrape([("shop", address)]).collect(host()))
    assert "longer than" in next(s for s in samples if isinstance(s, ProbeStatus)).reason


def test_values_of_the_setting_are_checked():
    read = values.targets("shop=http://127.0.0.1:8000/metrics")
    assert read("shop=http://127.0.0.1:8000/metrics") == (("shop", "http://127.0.0.1:8000/metrics"),)
    for wrong in ("http://127.0.0.1/metrics", "shop=", "shop=ftp://x/y", ["=http://x/y"]):
        with pytest.raises(ValueError, match="use a list such as"):
            read(wrong)


@given(st.text(max_size=200) | st.text(alphabet='ab{}"= \\\n#1.e+', max_size=80))
def test_any_page_gives_readings_that_can_be_sent(text):
    for reading in exposition.readings(text):
        assert isinstance(reading, Reading)
        encode_series([Series(reading.name, dict(reading.labels), reading.counter)])
