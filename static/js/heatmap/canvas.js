// @ts-check
/** The heat map on a canvas: cells by count, the selected region, the kept base and the cursor of the keyboard. */

import { between } from "./cells.js";

/** @typedef {import("./cells.js").HeatMap} HeatMap */
/** @typedef {import("./cells.js").Region} Region */
/** @typedef {{selected: (region: Region | null) => void, shown: () => void, kept: () => void}} Listener */

const LEAST_COLUMN_PIXELS = 2;
const MOST_COLUMN_PIXELS = 24;
const ROW_PIXELS = 6;
const STEPS = 5; // of the colours --heat-0 to --heat-4
const PAGE = 10; // columns or rows

export class HeatCanvas {
  /**
   * @param {HTMLCanvasElement} canvas
   * @param {HTMLElement} frame  scrolls the canvas
   * @param {HeatMap} map
   * @param {Listener} listener
   */
  constructor(canvas, frame, map, listener) {
    this.canvas = canvas;
    this.frame = frame;
    this.map = map;
    this.listener = listener;
    /** @type {Region | null} */
    this.region = null;
    /** @type {Region | null} */
    this.base = null;
    this.cursor = { x: 0, y: 0 };
    this.anchor = this.cursor;
    this.size();
    new ResizeObserver(() => this.size()).observe(frame);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.paint());
    canvas.addEventListener("pointerdown", (event) => this.press(event));
    canvas.addEventListener("pointermove", (event) => this.drag(event));
    canvas.addEventListener("keydown", (event) => this.key(event));
  }

  size() {
    const fitting = Math.floor(this.frame.clientWidth / this.map.seconds);
    this.column = Math.min(MOST_COLUMN_PIXELS, Math.max(LEAST_COLUMN_PIXELS, fitting));
    const ratio = window.devicePixelRatio || 1;
    const [width, height] = [this.column * this.map.seconds, ROW_PIXELS * this.map.rows];
    this.canvas.width = width * ratio;
    this.canvas.height = height * ratio;
    this.canvas.style.width = `${width}px`;
    this.canvas.style.height = `${height}px`;
    this.ratio = ratio;
    this.paint();
  }

  paint() {
    const context = /** @type {CanvasRenderingContext2D} */ (this.canvas.getContext("2d"));
    const column = this.column ?? LEAST_COLUMN_PIXELS;
    context.setTransform(this.ratio ?? 1, 0, 0, this.ratio ?? 1, 0, 0);
    const style = getComputedStyle(this.canvas);
    const colors = Array.from({ length: STEPS }, (_, step) => style.getPropertyValue(`--heat-${step}`));
    context.fillStyle = colors[0];
    context.fillRect(0, 0, column * this.map.seconds, ROW_PIXELS * this.map.rows);
    this.map.counts.forEach((rows, x) =>
      rows.forEach((count, y) => {
        if (!count) return;
        context.fillStyle = colors[this.step(count)];
        context.fillRect(x * column, y * ROW_PIXELS, column, ROW_PIXELS);
      }),
    );
    if (this.base) this.outline(context, this.base, style.getPropertyValue("--series-3"), [4, 3]);
    if (this.region) this.outline(context, this.region, style.getPropertyValue("--text"), []);
    const here = between(this.cursor, this.cursor);
    if (document.activeElement === this.canvas) this.outline(context, here, style.getPropertyValue("--accent"), []);
  }

  /** The few samples of a quiet second and the many of a busy one both show. @param {number} count */
  step(count) {
    return Math.max(1, Math.min(STEPS - 1, Math.ceil(Math.sqrt(count / this.map.most) * (STEPS - 1))));
  }

  /**
   * @param {CanvasRenderingContext2D} context
   * @param {Region} region
   * @param {string} color
   * @param {number[]} dashes
   */
  outline(context, { left, right, top, bottom }, color, dashes) {
    const column = this.column ?? LEAST_COLUMN_PIXELS;
    context.strokeStyle = color;
    context.lineWidth = 2;
    context.setLineDash(dashes);
    context.strokeRect(left * column, top * ROW_PIXELS, (right - left + 1) * column, (bottom - top + 1) * ROW_PIXELS);
    context.setLineDash([]);
  }

  /** @param {Region | null} region */
  select(region) {
    this.region = region;
    this.paint();
    this.listener.selected(region);
  }

  /** @param {Region | null} region */
  keep(region) {
    this.base = region;
    this.paint();
  }

  /** The cell below the pointer. @param {PointerEvent} event */
  at(event) {
    const inside = (/** @type {number} */ place, /** @type {number} */ end) => Math.max(0, Math.min(end - 1, Math.floor(place)));
    return {
      x: inside(event.offsetX / (this.column ?? 1), this.map.seconds),
      y: inside(event.offsetY / ROW_PIXELS, this.map.rows),
    };
  }

  /** @param {PointerEvent} event */
  press(event) {
    if (event.button !== 0) return;
    this.canvas.setPointerCapture(event.pointerId);
    this.cursor = this.anchor = this.at(event);
    this.select(between(this.anchor, this.cursor));
  }

  /** @param {PointerEvent} event */
  drag(event) {
    if (!(event.buttons & 1)) return;
    this.cursor = this.at(event);
    this.select(between(this.anchor, this.cursor));
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    /** @type {Record<string, [number, number]>} */
    const moves = {
      ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1],
      PageUp: [-PAGE, 0], PageDown: [PAGE, 0], Home: [-this.map.seconds, 0], End: [this.map.seconds, 0],
    };
    const move = moves[event.key];
    if (move) this.move(move, event.shiftKey);
    else if (event.key === "Enter") this.listener.shown();
    else if (event.key.toLowerCase() === "b") this.listener.kept();
    else if (event.key === "Escape") this.select(null);
    else return;
    event.preventDefault();
  }

  /**
   * @param {[number, number]} by
   * @param {boolean} further  the region grows
   */
  move([across, down], further) {
    const { seconds, rows } = this.map;
    this.cursor = {
      x: Math.max(0, Math.min(seconds - 1, this.cursor.x + across)),
      y: Math.max(0, Math.min(rows - 1, this.cursor.y + down)),
    };
    if (!further) this.anchor = this.cursor;
    this.select(between(this.anchor, this.cursor));
    const left = this.cursor.x * (this.column ?? 1);
    if (left < this.frame.scrollLeft) this.frame.scrollLeft = left;
    else if (left + 20 > this.frame.scrollLeft + this.frame.clientWidth) this.frame.scrollLeft = left + 20 - this.frame.clientWidth;
  }
}
