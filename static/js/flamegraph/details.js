// @ts-check
/** A frame in words: for the tooltip, the line below the graph and the live region. */

import { gettext, LANGUAGE, ngettext } from "../words.js";
import { changeInWords } from "./diff.js";
import { frameOf } from "./layout.js";

/** @typedef {import("./layout.js").Graph} Graph */

const WHOLE = new Intl.NumberFormat(LANGUAGE, { maximumFractionDigits: 0 });
const BYTES = ["B", "KiB", "MiB", "GiB", "TiB"];

/** @param {number} value */
export function whole(value) {
  return WHOLE.format(value);
}

/**
 * @param {number} part
 * @param {number} all
 */
export function percent(part, all) {
  if (!all) return "–";
  const value = (100 * part) / all;
  return `${value >= 99.95 || value === 0 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2)} %`;
}

/** @param {number} seconds */
export function duration(seconds) {
  if (seconds === 0) return "0 s";
  if (seconds >= 100) return `${whole(seconds)} s`;
  if (seconds >= 1) return `${seconds.toFixed(2)} s`;
  return `${(seconds * 1000).toFixed(seconds >= 0.01 ? 0 : 1)} ms`;
}

/** @param {number} bytes */
function size(bytes) {
  let step = 0;
  for (; bytes >= 1024 && step < BYTES.length - 1; step++) bytes /= 1024;
  return `${step ? bytes.toFixed(1) : whole(bytes)} ${BYTES[step]}`;
}

/**
 * A count of the profile in its own unit: samples with the time they stand for, bytes, or plain numbers.
 *
 * @param {{unit: string, period_ns: number}} flat
 * @param {number} value
 */
export function amount(flat, value) {
  if (flat.unit === "bytes") return size(value);
  if (flat.unit === "count") return whole(value);
  if (flat.unit === "nanoseconds") return duration(value / 1e9);
  if (!flat.period_ns) return ngettext("%(count)s sample", "%(count)s samples", value, { count: whole(value) });
  const time = duration((value * flat.period_ns) / 1e9);
  return ngettext("%(count)s sample, %(time)s", "%(count)s samples, %(time)s", value, { count: whole(value), time });
}

/**
 * @param {Graph} graph
 * @param {number} node
 */
export function placeOf(graph, node) {
  const { file, line } = frameOf(graph, node);
  return file && line ? `${file}:${line}` : file;
}

/**
 * @param {Graph} graph
 * @param {number} node
 * @returns {{title: string, rows: [string, string][]}}
 */
export function describe(graph, node) {
  const { name, module } = frameOf(graph, node);
  const { flat, total, self } = graph;
  /** @type {[string, string][]} */
  const rows = [];
  const place = placeOf(graph, node);
  if (place) rows.push([gettext("at"), place]);
  if (module) rows.push([gettext("module"), module]);
  rows.push([gettext("total"), `${percent(total[node], total[0])} · ${amount(flat, total[node])}`]);
  rows.push([gettext("self"), `${percent(self[node], total[0])} · ${amount(flat, self[node])}`]);
  rows.push(...changeInWords(graph, node));
  return { title: name, rows };
}

/**
 * One sentence for people who listen.
 *
 * @param {Graph} graph
 * @param {number} node
 */
export function sentence(graph, node) {
  const { title, rows } = describe(graph, node);
  const below = graph.end[node] - node - 1;
  const spoken = rows.map(([label, value]) => `${label} ${value.replace(" · ", ", ")}`).join("; ");
  const under = below ? ngettext("%(count)s frame below", "%(count)s frames below", below, { count: whole(below) }) : gettext("leaf");
  return gettext("%(name)s; depth %(depth)s; %(figures)s; %(under)s.", { name: title, depth: graph.depth[node], figures: spoken, under });
}
