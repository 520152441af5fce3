// @ts-check
/** Paints what is visible of a graph on a canvas, sharp at any device pixel ratio. */

/** @typedef {import("./layout.js").Graph} Graph */
/** @typedef {import("./layout.js").View} View */

/**
 * @typedef {object} Scene
 * @property {Graph} graph
 * @property {View} view
 * @property {number} visible       how many entries of `graph.visible` count
 * @property {number} deepest       depth of the lowest visible row
 * @property {boolean} rootAtBottom flame orientation; otherwise icicle
 * @property {number} width         CSS pixels
 * @property {number} height        CSS pixels of the canvas
 * @property {number} scrollTop     CSS pixels of the rows scrolled away
 * @property {string[]} fills       by frame
 * @property {string[] | null} shades  by node, of a difference or of layers; they go before the fills
 * @property {ReturnType<import("./colors.js").inksOf>} inks
 * @property {Uint8Array | null} matches  by frame: 1 is a match of the search
 * @property {number} zoomed        the node that fills the width; rows above it are faded
 * @property {number} hovered       -1 is none
 * @property {number} selected      -1 is none
 */

export const ROW_PIXELS = 18;
const GAP_PIXELS = 1;
const PADDING_PIXELS = 4;
const NARROWEST_TEXT_PIXELS = 22;
const FONT = "12px system-ui, -apple-system, 'Segoe UI', sans-serif";

/**
 * The backing store has the device's pixels, the coordinates stay CSS pixels.
 *
 * @param {HTMLCanvasElement} canvas
 * @param {number} width
 * @param {number} height
 */
export function size(canvas, width, height) {
  const ratio = window.devicePixelRatio || 1;
  const across = Math.round(width * ratio);
  const down = Math.round(height * ratio);
  if (canvas.width !== across || canvas.height !== down) {
    canvas.width = across;
    canvas.height = down;
    canvas.style.width = `${width}px`;
    canvas.style.height = `${height}px`;
  }
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  context.setTransform(across / width, 0, 0, down / height, 0, 0);
  return context;
}

/** @param {Scene} scene */
export function contentPixels(scene) {
  return (scene.deepest + 1) * ROW_PIXELS;
}

/**
 * Top of a row on the canvas.
 *
 * @param {Scene} scene
 * @param {number} depth
 */
export function rowTop(scene, depth) {
  const row = scene.rootAtBottom ? scene.deepest - depth : depth;
  return row * ROW_PIXELS - scene.scrollTop;
}

/**
 * Depth of the row at a height on the canvas.
 *
 * @param {Scene} scene
 * @param {number} y
 */
export function depthAt(scene, y) {
  const row = Math.floor((y + scene.scrollTop) / ROW_PIXELS);
  return scene.rootAtBottom ? scene.deepest - row : row;
}

/**
 * Left edge and width of a node on the canvas, cut to what is shown.
 *
 * @param {Scene} scene
 * @param {number} node
 */
export function extentOf(scene, node) {
  const { graph, view, width } = scene;
  const scale = width / (view.end - view.start);
  const left = Math.max(0, (graph.start[node] - view.start) * scale);
  const right = Math.min(width, (graph.start[node] + graph.total[node] - view.start) * scale);
  return { left, width: right - left };
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {Scene} scene
 */
export function paint(context, scene) {
  context.clearRect(0, 0, scene.width, scene.height);
  context.textBaseline = "middle";
  context.font = FONT;
  const labels = paintBars(context, scene);
  paintLabels(context, scene, labels);
  if (scene.hovered >= 0) outline(context, scene, scene.hovered, 1);
  if (scene.selected >= 0) outline(context, scene, scene.selected, 2);
}

/**
 * @param {Scene} scene
 * @param {number} node
 * @returns {"plain" | "faded" | "match"}
 */
function toneOf(scene, node) {
  if (scene.matches) return scene.matches[scene.graph.frame[node]] ? "match" : "faded";
  return scene.graph.depth[node] < scene.graph.depth[scene.zoomed] ? "faded" : "plain";
}

/**
 * Fills all bars; returns the nodes that have room for text.
 *
 * @param {CanvasRenderingContext2D} context
 * @param {Scene} scene
 */
function paintBars(context, scene) {
  const { graph, inks } = scene;
  const labels = [];
  let last = "";
  for (let at = 0; at < scene.visible; at++) {
    const node = graph.visible[at];
    const top = rowTop(scene, graph.depth[node]);
    if (top <= -ROW_PIXELS || top >= scene.height) continue;
    const { left, width } = extentOf(scene, node);
    const tone = toneOf(scene, node);
    const fill = scene.shades?.[node] ?? scene.fills[graph.frame[node]];
    const color = tone === "plain" ? fill : tone === "match" ? inks.match : inks.faded;
    if (color !== last) context.fillStyle = last = color;
    context.fillRect(left, top, width > 2 ? width - GAP_PIXELS : Math.max(width - 0.3, 0.4), ROW_PIXELS - GAP_PIXELS);
    if (width >= NARROWEST_TEXT_PIXELS) labels.push(node);
  }
  return labels;
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {Scene} scene
 * @param {number[]} labels
 */
function paintLabels(context, scene, labels) {
  const { graph, inks } = scene;
  const { strings, frames } = graph.flat;
  const texts = { plain: inks.text, faded: inks.fadedText, match: inks.matchText };
  for (const node of labels) {
    const { left, width } = extentOf(scene, node);
    const room = width - 2 * PADDING_PIXELS;
    const text = fit(context, strings[frames.name[graph.frame[node]]], room);
    if (!text) continue;
    const color = texts[toneOf(scene, node)];
    if (context.fillStyle !== color) context.fillStyle = color;
    context.fillText(text, left + PADDING_PIXELS, rowTop(scene, graph.depth[node]) + ROW_PIXELS / 2, room);
  }
}

/** @type {Map<string, number>} */
const widths = new Map();

/**
 * The text, or about as much of its beginning as fits (letters differ in width, so the painter may have to squeeze
 * it a little); measured once per text.
 *
 * @param {CanvasRenderingContext2D} context
 * @param {string} text
 * @param {number} room
 */
export function fit(context, text, room) {
  let width = widths.get(text);
  if (width === undefined) {
    width = context.measureText(text).width;
    widths.set(text, width);
  }
  if (width <= room) return text;
  const letters = Math.floor((text.length * room) / width) - 1;
  return letters < 1 ? "" : `${text.slice(0, letters)}…`;
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {Scene} scene
 * @param {number} node
 * @param {number} thickness
 */
function outline(context, scene, node, thickness) {
  const { left, width } = extentOf(scene, node);
  if (width <= 0) return;
  context.strokeStyle = scene.inks.outline;
  context.lineWidth = thickness;
  const half = thickness / 2;
  const top = rowTop(scene, scene.graph.depth[node]);
  context.strokeRect(left + half, top + half, Math.max(width - GAP_PIXELS - thickness, 1), ROW_PIXELS - GAP_PIXELS - thickness);
}
