"""How fast the flame graph paints and zooms, in a real Chromium: `python -m bench.browser`.

Method: a synthetic profile of 1k, 5k, 20k and 100k nodes (seeded, up to 60 frames deep, a third of the nodes narrower
than a pixel, as in merged profiles of real services) is handed to the page's own modules. `paint` is from the decoded
JSON to the second animation frame after it; `zoom` is one zoom to the widest frame of the third row, until its
pixels are read back; `hover` is to find the frame below the pointer, fill its
tooltip and paint, the mean of twenty places.
`_hostpages` says how the Host page of a day and the Hosts page of 2,000 hosts are timed.
One round to warm up, then ROUNDS counted ones; the median stands in the results with the least and the most.
"""

from __future__ import annotations

import functools
import http.server
import os
import random
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.template.loader import render_to_string
from playwright.sync_api import Page, sync_playwright

from bench import _hostpages, _page
from bench._installation import installation
from bench._results import ROUNDS, row, write
from diagnose.management import static

ROOT = Path(__file__).resolve().parent.parent
# By number of nodes; 5k has no target of its own.
PAINT_MS = {1_000: 60.0, 5_000: 80.0, 20_000: 80.0, 100_000: 100.0}
FRAME_MS = 16.0
SIZES = (1_000, 5_000, 20_000, 100_000)
DEEPEST = 60
_BROWSERS = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")

PAGE = """<!doctype html><meta charset="utf-8"><title>bench</title>
<link rel="stylesheet" href="/static/css/tokens.css"><link rel="stylesheet" href="/static/css/base.css">
<link rel="stylesheet" href="/static/css/flamegraph.css"><main>%s</main>"""

MEASURE = """async (flat) => {
  const {FlameGraph} = await import("/static/js/flamegraph/index.js");
  window.flame ??= new FlameGraph(document.querySelector("[data-flamegraph]"));
  const frame = () => new Promise((done) => requestAnimationFrame(done));
  const frames = async () => { await frame(); await frame(); };
  await frames();
  let began = performance.now();
  window.flame.show(flat);
  await frames();
  const paint = performance.now() - began;
  const chart = window.flame.chart;
  const bars = chart.scene.visible;
  const {graph} = chart.scene;
  const widest = graph.visible.slice(0, bars).filter((node) => graph.depth[node] === 2)
    .reduce((best, node) => (graph.total[node] > graph.total[best] ? node : best));
  began = performance.now();
  chart.zoom(widest);
  chart.paint();
  chart.canvas.getContext("2d").getImageData(0, 0, 1, 1);
  const zoom = performance.now() - began;
  chart.zoom(0);
  await frames();
  const places = Array.from({length: 20}, (_, at) => [at * 37 % chart.scene.width, 18 * (at % 12) + 9]);
  began = performance.now();
  for (const [x, y] of places) {
    chart.hover(chart.at(x, y), x, y);
    chart.paint();
  }
  chart.canvas.getContext("2d").getImageData(0, 0, 1, 1);
  return {paint, zoom, hover: (performance.now() - began) / places.length};
}"""


def synthetic(nodes: int, seed: int = 7) -> dict[str, Any]:
    """A flat graph in the API's form with exactly `nodes` nodes."""
    chance = random.Random(seed)
    names = [f"{verb}_{noun}" for verb in _VERBS for noun in _NOUNS]
    files = [f"/srv/shop/{noun}.py" for noun in _NOUNS] + [
        f"/usr/lib/python3/dist-packages/{p}/core.py" for p in _VERBS
    ]
    strings = ["", "all", *names, *files]
    frames: dict[str, list[int]] = {"name": [1], "file": [0], "line": [0], "module": [0]}
    for at in range(len(names)):
        frames["name"].append(2 + at)
        frames["file"].append(2 + len(names) + chance.randrange(len(files)))
        frames["line"].append(chance.randrange(1, 900))
        frames["module"].append(0)
    tree = _grow(nodes, len(names), chance)
    return {
        "service": "shop.service", "type": "cpu", "unit": "samples", "period_ns": 10_000_000, "cut": 0.0,
        "total": tree["total"][0], "seconds": 3600.0, "nodes_total": nodes,
        "strings": strings, "frames": frames, "nodes": tree,
    }  # fmt: skip


def _grow(nodes: int, frames: int, chance: random.Random) -> dict[str, list[int]]:
    """Random parents (deep ones preferred), then depth-first with totals from the leaves."""
    parents, depths = [-1], [0]
    children: list[list[int]] = [[]]
    while len(parents) < nodes:
        parent = max(chance.randrange(len(parents)), chance.randrange(len(parents)))
        if depths[parent] >= DEEPEST:
            continue
        children[parent].append(len(parents))
        children.append([])
        parents.append(parent)
        depths.append(depths[parent] + 1)
    self_counts = [int(chance.paretovariate(1.6)) if not below else 0 for below in children]
    totals = list(self_counts)
    for node in range(nodes - 1, 0, -1):
        totals[parents[node]] += totals[node]
    order, open_ = [], [0]
    while open_:
        node = open_.pop()
        order.append(node)
        open_.extend(reversed(children[node]))
    frame_of = [0, *(1 + chance.randrange(frames) for _ in range(nodes - 1))]
    columns = {"frame": frame_of, "depth": depths, "total": totals, "self": self_counts}
    return {name: [column[node] for node in order] for name, column in columns.items()}


class _Handler(http.server.SimpleHTTPRequestHandler):
    """The page at /, and the repository's static files."""

    def do_GET(self) -> None:
        if self.path != "/":
            super().do_GET()
            return
        body = (PAGE % render_to_string("_flamegraph.html")).encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Quiet."""


@contextmanager
def _server() -> Iterator[str]:
    handler = functools.partial(_Handler, directory=str(ROOT))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()


def measure(page: Page, nodes: int) -> list[dict[str, float]]:
    flat = synthetic(nodes)
    rounds: list[dict[str, float]] = [page.evaluate(MEASURE, flat) for _ in range(ROUNDS + 1)]
    return rounds[1:]


def main() -> None:
    # Playwright runs an event loop in this thread, where Django would refuse its tables.
    os.environ.update(DIAGNOSE_PORT=str(_page.PORT), DJANGO_ALLOW_ASYNC_UNSAFE="true")
    path = next(filter(None, map(shutil.which, _BROWSERS)), None)
    if path is None:
        raise SystemExit("no Chromium: apt-get install chromium-headless-shell (or chromium)")
    results = []
    with installation(), _server() as address, sync_playwright() as playwright:
        static.collect()
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        try:
            page = browser.new_page(viewport={"width": 1280, "height": 900})
            page.goto(address)
            for nodes in SIZES:
                rounds = measure(page, nodes)
                targets = {"paint": PAINT_MS[nodes], "zoom": FRAME_MS, "hover": FRAME_MS}
                for kind, target in targets.items():
                    times = [one[kind] for one in rounds]
                    results.append(row(f"flamegraph_{kind}_{nodes // 1000}k", times, "ms", "lower", target))
            results += _hostpages.rows(browser)
        finally:
            browser.close()
    write("browser", results)


_VERBS = ("read", "write", "render", "resolve", "dispatch", "parse", "encode", "handle", "load", "match")
_NOUNS = (
    "request", "response", "cart", "basket", "order", "price", "template", "header", "session", "query",
    "cursor", "product", "stock", "invoice", "payment", "token", "address", "report", "queue", "image",
)  # fmt: skip

if __name__ == "__main__":
    main()
