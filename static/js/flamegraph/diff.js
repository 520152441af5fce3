// @ts-check
/** What a difference shows beside a flame graph: each node's change of share, as a colour, in words and as a table. */

import { gettext } from "../words.js";
import { frameOf } from "./layout.js";

/** @typedef {import("./layout.js").FlatGraph} FlatGraph */
/** @typedef {import("./layout.js").Graph} Graph */
/** @typedef {{name: string, file: string, before: number, now: number}} Change  shares of the whole */

/** A change of this many points of share has the full colour. */
const FULL = 0.1;
/** Changes under this are noise of sampling, and grey. */
const LEAST = 0.002;
const LIGHTNESS = { light: [93, 66], dark: [22, 38] };

/**
 * @param {FlatGraph} flat
 * @param {"light" | "dark"} theme
 * @returns {string[] | null}  fill by node; null for a graph that is no difference
 */
export function shadesOf(flat, theme) {
  return flat.nodes.change?.map((change) => shade(change ?? 0, theme)) ?? null;
}

/**
 * Warm for what takes more than before, cold for what takes less.
 *
 * @param {number} change
 * @param {"light" | "dark"} theme
 */
function shade(change, theme) {
  const [from, to] = LIGHTNESS[theme];
  const strength = Math.min(1, Math.abs(change) / FULL);
  if (Math.abs(change) < LEAST) return `hsl(215 8% ${from - (theme === "light" ? 6 : 0)}%)`;
  const lightness = (from + (to - from) * Math.sqrt(strength)).toFixed(0);
  return `hsl(${change > 0 ? 14 : 212} ${theme === "light" ? 85 : 60}% ${lightness}%)`;
}

/**
 * @param {Graph} graph
 * @param {number} node
 * @returns {[string, string][]}  rows for the tooltip
 */
export function changeInWords(graph, node) {
  const { change, base_total: base } = graph.flat.nodes;
  if (!change || !base) return [];
  return [
    [gettext("base"), share(base[node], base[0])],
    [gettext("change"), points(change[node] ?? 0)],
  ];
}

/**
 * Functions by how much their own share changed.
 *
 * @param {Graph} graph
 * @param {number} most
 * @returns {Change[]}
 */
export function changesOf(graph, most) {
  const { base_self: baseSelf, base_total: baseTotal } = graph.flat.nodes;
  if (!baseSelf || !baseTotal) return [];
  /** @type {Map<number, Change>} */
  const found = new Map();
  for (let node = 1; node < graph.count; node++) {
    const frame = graph.frame[node];
    const { name, file } = frameOf(graph, node);
    const one = found.get(frame) ?? { name, file, before: 0, now: 0 };
    one.before += baseSelf[node] / (baseTotal[0] || 1);
    one.now += graph.self[node] / (graph.total[0] || 1);
    found.set(frame, one);
  }
  const changed = [...found.values()].filter((one) => Math.abs(one.now - one.before) >= LEAST);
  return changed.sort((a, b) => Math.abs(b.now - b.before) - Math.abs(a.now - a.before)).slice(0, most);
}

/** @param {number} value @param {number} all */
export function share(value, all) {
  return all ? `${((100 * value) / all).toFixed(1)} %` : "–";
}

/** @param {number} change */
export function points(change) {
  const sign = change > 0 ? "+" : change < 0 ? "−" : "";
  return gettext("%(change)s points", { change: `${sign}${Math.abs(100 * change).toFixed(1)}` });
}
