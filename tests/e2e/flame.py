"""What a flame graph on a page shows, asked of its own modules; the canvas itself holds only pixels."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import Page

STATE = """async () => {
  const {FlameGraph} = await import("/static/js/flamegraph/index.js");
  const chart = FlameGraph.shown.get(document.querySelector("[data-flamegraph]")).chart;
  const {graph, view, selected, zoomed, deepest, rootAtBottom, visible} = chart.scene;
  const {strings, frames} = graph.flat;
  const name = (node) => (node < 0 ? null : strings[frames.name[graph.frame[node]]]);
  return {selected: name(selected), zoomed: name(zoomed), share: (view.end - view.start) / graph.total[0],
          start: view.start / graph.total[0], deepest, rootAtBottom, visible, count: graph.count,
          total: graph.total[0], names: [...graph.frame].map((frame) => strings[frames.name[frame]]),
          fills: new Set(chart.scene.shades ?? chart.scene.fills).size};
}"""
# Where a function's first frame stands on the canvas.
PLACE = """async (wanted) => {
  const {FlameGraph} = await import("/static/js/flamegraph/index.js");
  const {extentOf, rowTop} = await import("/static/js/flamegraph/draw.js");
  const {scene} = FlameGraph.shown.get(document.querySelector("[data-flamegraph]")).chart;
  const {strings, frames} = scene.graph.flat;
  const node = [...scene.graph.frame].findIndex((frame) => strings[frames.name[frame]] === wanted);
  const {left, width} = extentOf(scene, node);
  return {x: left + width / 2, y: rowTop(scene, scene.graph.depth[node]) + 9};
}"""


def state(page: Page) -> dict[str, Any]:
    return page.evaluate(STATE)


def click_on(page: Page, function: str) -> None:
    page.locator("[data-flamegraph] canvas").click(position=page.evaluate(PLACE, function))
