// @ts-check
/** Pointer, wheel and keyboard on the canvas, turned into calls on the chart. */

import { siblingOf, widestChild } from "./layout.js";

/** @typedef {import("./chart.js").Chart} Chart */
/** Beyond moving and zooming, by their keys. @typedef {Record<string, () => void>} Commands */

/** A press that moves less than this is a click. */
const CLICK_PIXELS = 4;
const WHEEL_SPEED = 0.0018;
const KEY_ZOOM = 0.7;
const KEY_PAN = 0.2;

/** @param {Chart} chart */
export function bindPointer(chart) {
  const { canvas } = chart;
  /** @type {{x: number, y: number, top: number, moved: boolean} | null} */
  let press = null;
  canvas.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    press = { x: event.clientX, y: event.clientY, top: chart.frame.scrollTop, moved: false };
  });
  canvas.addEventListener("pointermove", (event) => {
    if (press && event.buttons & 1) press.moved = drag(chart, press, event);
    else chart.hover(chart.at(event.offsetX, event.offsetY), event.clientX, event.clientY);
  });
  canvas.addEventListener("pointerleave", () => chart.hover(-1, 0, 0));
  canvas.addEventListener("pointerup", (event) => {
    if (press && !press.moved) click(chart, event);
    press = null;
  });
  canvas.addEventListener("pointercancel", () => (press = null));
  canvas.addEventListener("wheel", (event) => wheel(chart, event), { passive: false });
}

/**
 * @param {Chart} chart
 * @param {{x: number, y: number, top: number, moved: boolean}} press
 * @param {PointerEvent} event
 */
function drag(chart, press, event) {
  const across = event.clientX - press.x;
  const down = event.clientY - press.y;
  if (!press.moved && Math.hypot(across, down) < CLICK_PIXELS) return false;
  if (!press.moved) chart.canvas.setPointerCapture(event.pointerId);
  chart.hover(-1, 0, 0);
  chart.pan(-across / chart.canvas.clientWidth);
  press.x = event.clientX;
  chart.frame.scrollTop = press.top - down;
  return true;
}

/**
 * @param {Chart} chart
 * @param {PointerEvent} event
 */
function click(chart, event) {
  const node = chart.at(event.offsetX, event.offsetY);
  chart.select(node);
  if (node >= 0) chart.zoom(node);
}

/**
 * A focused graph takes the wheel; otherwise the page scrolls, unless Ctrl is held (a pinch comes as Ctrl+wheel).
 *
 * @param {Chart} chart
 * @param {WheelEvent} event
 */
function wheel(chart, event) {
  if (!event.ctrlKey && document.activeElement !== chart.canvas) return;
  event.preventDefault();
  const step = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 16 : 1;
  const sideways = event.shiftKey ? event.deltaY : event.deltaX;
  if (Math.abs(sideways) > Math.abs(event.deltaY) || event.shiftKey) {
    chart.pan((sideways * step) / chart.canvas.clientWidth);
  } else {
    chart.zoomBy(Math.exp(event.deltaY * step * WHEEL_SPEED), event.offsetX / chart.canvas.clientWidth);
  }
}

/**
 * @param {Chart} chart
 * @param {Commands} commands
 */
export function bindKeys(chart, commands) {
  const keys = { ...movesOf(chart), ...commands };
  chart.canvas.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const act = keys[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  });
}

/**
 * The search is announced beside its field, so its key works wherever nothing is being typed.
 *
 * @param {() => void} act
 */
export function bindSearchKey(act) {
  document.addEventListener("keydown", (event) => {
    const typing = event.target instanceof Element && event.target.closest("input, select, textarea, dialog");
    if (event.key !== "/" || typing || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    act();
  });
}

/**
 * @param {Chart} chart
 * @returns {Commands}
 */
function movesOf(chart) {
  return {
    ArrowUp: () => vertical(chart, -1),
    ArrowDown: () => vertical(chart, 1),
    ArrowLeft: () => sideways(chart, -1),
    ArrowRight: () => sideways(chart, 1),
    Enter: () => chart.zoom(chart.scene?.selected ?? -1),
    Escape: () => chart.zoomOut(),
    Backspace: () => chart.zoomOut(),
    Home: () => first(chart),
    "+": () => chart.zoomBy(KEY_ZOOM, 0.5),
    "=": () => chart.zoomBy(KEY_ZOOM, 0.5),
    "-": () => chart.zoomBy(1 / KEY_ZOOM, 0.5),
    "[": () => chart.pan(-KEY_PAN),
    "]": () => chart.pan(KEY_PAN),
  };
}

/** @param {Chart} chart */
function first(chart) {
  chart.zoom(0);
  chart.select(0);
}

/**
 * One row up or down as it is seen: in flame orientation the callees are above.
 *
 * @param {Chart} chart
 * @param {-1 | 1} step
 */
function vertical(chart, step) {
  const scene = chart.scene;
  if (!scene) return;
  if (scene.selected < 0) return chart.select(scene.zoomed);
  const inward = scene.rootAtBottom ? step < 0 : step > 0;
  const node = inward ? widestChild(scene.graph, scene.selected) : scene.graph.parent[scene.selected];
  if (node >= 0) chart.select(node);
}

/**
 * @param {Chart} chart
 * @param {-1 | 1} step
 */
function sideways(chart, step) {
  const scene = chart.scene;
  if (!scene) return;
  if (scene.selected < 0) return chart.select(scene.zoomed);
  const node = siblingOf(scene.graph, scene.selected, step);
  if (node >= 0) chart.select(node);
}
