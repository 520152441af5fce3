// @ts-check
/** The canvas with its state: what is shown, zoomed, selected, hovered and found. It tells listeners what changed. */

import { currentTheme, fillsOf, inksOf, kindsOf, watchTheme } from "./colors.js";
import { shadesOf } from "./diff.js";
import { contentPixels, depthAt, paint, ROW_PIXELS, rowTop, size } from "./draw.js";
import { layerFills } from "./layers.js";
import { around, collect, nodeAt } from "./layout.js";

/** @typedef {import("./layout.js").Graph} Graph */

/**
 * @typedef {object} Listener
 * @property {(node: number) => void} selected
 * @property {(node: number, x: number, y: number) => void} hovered  -1: none; place in the window's coordinates
 * @property {(node: number) => void} zoomed
 */

/** The narrowest view, in samples: a single sample fills the width and no more. */
const NARROWEST_VIEW = 1;
/** Zooming out shows at least this many times as much, or everything. */
const LEAST_STEP = 1.05;

export class Chart {
  /**
   * @param {HTMLCanvasElement} canvas
   * @param {HTMLElement} extent  as tall as all rows; the canvas sticks to its visible part
   * @param {HTMLElement} frame   scrolls the extent
   * @param {Listener} listener
   */
  constructor(canvas, extent, frame, listener) {
    this.canvas = canvas;
    this.extent = extent;
    this.frame = frame;
    this.listener = listener;
    /** @type {import("./draw.js").Scene | null} */
    this.scene = null;
    this.asked = false;
    /** @type {import("./colors.js").Coloring} */
    this.coloring = "package";
    /** Of which the visible nodes were gathered. @type {import("./layout.js").View | null} */
    this.gathered = null;
    frame.addEventListener("scroll", () => this.ask());
    new ResizeObserver(() => this.ask()).observe(frame);
    watchTheme(() => this.recolor());
  }

  /** @param {Graph} graph */
  show(graph) {
    this.kinds = kindsOf(graph.flat);
    this.scene = {
      graph,
      view: { start: 0, end: graph.total[0] || 1 },
      visible: 0,
      deepest: 0,
      rootAtBottom: this.scene?.rootAtBottom ?? false,
      width: 0,
      height: 0,
      scrollTop: 0,
      ...this.colors(graph, this.kinds),
      matches: null,
      zoomed: 0,
      hovered: -1,
      selected: -1,
    };
    this.paint();
    this.scrollToRoot();
    this.listener.zoomed(0);
  }

  /**
   * @param {Graph} graph
   * @param {import("./colors.js").Kind[]} kinds
   */
  colors(graph, kinds) {
    const theme = currentTheme();
    const { coloring } = this;
    const shades = coloring === "change" ? shadesOf(graph.flat, theme) : coloring === "layer" ? layerFills(graph, theme) : null;
    return { fills: fillsOf(graph.flat, kinds, theme, coloring), shades, inks: inksOf(theme) };
  }

  recolor() {
    if (!this.scene || !this.kinds) return;
    Object.assign(this.scene, this.colors(this.scene.graph, this.kinds));
    this.ask();
  }

  /** @param {import("./colors.js").Coloring} coloring */
  setColoring(coloring) {
    this.coloring = coloring;
    this.recolor();
  }

  /** Paint once before the next frame, however often this is called. */
  ask() {
    if (this.asked) return;
    this.asked = true;
    requestAnimationFrame(() => {
      this.asked = false;
      this.paint();
    });
  }

  paint() {
    const scene = this.scene;
    if (!scene || !this.frame.clientWidth) return;
    this.gather(scene);
    const content = contentPixels(scene);
    if (this.extent.offsetHeight !== content) this.extent.style.height = `${content}px`;
    scene.height = Math.min(this.frame.clientHeight, content);
    scene.scrollTop = this.frame.scrollTop;
    paint(size(this.canvas, scene.width, scene.height), scene);
  }

  /** Which nodes can be seen; what only hovers or selects leaves them as they are. @param {import("./draw.js").Scene} scene */
  gather(scene) {
    const width = this.frame.clientWidth;
    if (this.gathered === scene.view && scene.width === width) return;
    scene.width = width;
    this.gathered = scene.view;
    const seen = collect(scene.graph, scene.view, width);
    scene.visible = seen.count;
    scene.deepest = seen.deepest;
  }

  /** @param {number} node */
  zoom(node) {
    const scene = this.scene;
    if (!scene || node < 0) return;
    this.setView(scene.graph.start[node], scene.graph.start[node] + scene.graph.total[node], node);
    this.reveal(node);
  }

  /** To the nearest frame above that shows more; a step that nobody would see is none. */
  zoomOut() {
    const scene = this.scene;
    if (!scene) return;
    const shown = scene.view.end - scene.view.start;
    let node = scene.zoomed;
    while (node > 0 && scene.graph.total[node] < shown * LEAST_STEP) node = scene.graph.parent[node];
    this.zoom(node);
  }

  /**
   * @param {number} factor  over 1 shows more
   * @param {number} place   the point that stays, 0 is the left edge and 1 the right
   */
  zoomBy(factor, place) {
    if (!this.scene) return;
    const { start, end } = this.scene.view;
    const fixed = start + (end - start) * place;
    const span = Math.max(NARROWEST_VIEW, (end - start) * factor);
    this.setView(fixed - span * place, fixed + span * (1 - place));
  }

  /** @param {number} share  of the width, positive moves the view right */
  pan(share) {
    if (!this.scene) return;
    const { start, end } = this.scene.view;
    const all = this.scene.graph.total[0];
    const step = Math.min(Math.max((end - start) * share, -start), all - end);
    this.setView(start + step, end + step);
  }

  /**
   * @param {number} start
   * @param {number} end
   * @param {number} [node]  that the view is of; otherwise it is looked up
   */
  setView(start, end, node) {
    const scene = this.scene;
    if (!scene) return;
    scene.view = { start: Math.max(0, start), end: Math.min(scene.graph.total[0] || 1, end) };
    this.ask();
    const zoomed = node ?? around(scene.graph, scene.view);
    if (zoomed === scene.zoomed) return;
    scene.zoomed = zoomed;
    this.listener.zoomed(zoomed);
  }

  /** @param {number} node  -1: none */
  select(node) {
    const scene = this.scene;
    if (!scene || node === scene.selected) return;
    scene.selected = node;
    if (node >= 0) this.bringIntoView(node);
    this.ask();
    this.listener.selected(node);
  }

  /** @param {number} node */
  bringIntoView(node) {
    const { graph, view } = /** @type {import("./draw.js").Scene} */ (this.scene);
    const left = graph.start[node];
    if (left >= view.end || left + graph.total[node] <= view.start) this.zoom(Math.max(0, graph.parent[node]));
    this.reveal(node);
  }

  /** Scroll so that the node's row can be seen. @param {number} node */
  reveal(node) {
    const scene = /** @type {import("./draw.js").Scene} */ (this.scene);
    this.paint();
    const top = rowTop(scene, scene.graph.depth[node]);
    if (top < 0) this.frame.scrollTop += top;
    else if (top + ROW_PIXELS > this.frame.clientHeight) this.frame.scrollTop += top + ROW_PIXELS - this.frame.clientHeight;
  }

  scrollToRoot() {
    this.frame.scrollTop = this.scene?.rootAtBottom ? this.extent.offsetHeight : 0;
  }

  /** @param {boolean} rootAtBottom */
  setOrientation(rootAtBottom) {
    if (!this.scene) return;
    this.scene.rootAtBottom = rootAtBottom;
    this.paint();
    this.scrollToRoot();
  }

  /** @param {Uint8Array | null} matches  by frame */
  setMatches(matches) {
    if (!this.scene) return;
    this.scene.matches = matches;
    this.ask();
  }

  /**
   * @param {number} x  on the canvas
   * @param {number} y
   */
  at(x, y) {
    const scene = this.scene;
    if (!scene) return -1;
    const position = scene.view.start + (x / scene.width) * (scene.view.end - scene.view.start);
    const node = nodeAt(scene.graph, depthAt(scene, y), position);
    return node >= 0 && scene.graph.depth[node] <= scene.deepest ? node : -1;
  }

  /**
   * @param {number} node
   * @param {number} x  in the window
   * @param {number} y
   */
  hover(node, x, y) {
    if (!this.scene) return;
    if (node !== this.scene.hovered) {
      this.scene.hovered = node;
      this.ask();
    }
    this.listener.hovered(node, x, y);
  }
}
