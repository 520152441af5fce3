// @ts-check
/** Fills one `[data-profile]` section (templates/_profile_graph.html) from the API: graph, table and totals. */

import { amount, duration, percent, whole } from "./details.js";
import { FlameGraph } from "./index.js";

/** @typedef {import("./layout.js").FlatGraph} FlatGraph */
/** @typedef {import("./table.js").Top & {seconds: number, profiles: number, unreadable: number, type: string}} Functions */

/**
 * @param {HTMLElement} section
 * @returns {Promise<FlameGraph | null>}  null when there is nothing to show, which the section then says
 */
export async function loadProfile(section) {
  try {
    const [flat, top] = await Promise.all([
      /** @type {Promise<FlatGraph>} */ (get(section.dataset.graph)),
      /** @type {Promise<Functions>} */ (get(section.dataset.top)),
    ]);
    const empty = flat.total === 0;
    part(section, "totals").replaceChildren(...(empty ? [none(top)] : totals(flat, top)));
    return empty ? null : draw(section, flat, top);
  } catch (error) {
    part(section, "totals").textContent = "";
    part(section, "problem").textContent = error instanceof Error ? error.message : String(error);
    part(section, "problem").hidden = false;
    return null;
  }
}

/**
 * @param {string | undefined} address
 * @returns {Promise<any>}
 * @throws {Error} with the API's own words
 */
export async function get(address) {
  const answer = await fetch(address ?? "", { headers: { Accept: "application/json" } }).catch(() => {
    throw new Error("The server was not reached; check the connection and load the page again.");
  });
  if (answer.ok) return answer.json();
  const problem = await answer.json().catch(() => ({}));
  throw new Error(problem.detail ?? `The server answered ${answer.status} ${answer.statusText}.`);
}

/**
 * @param {HTMLElement} section
 * @param {FlatGraph} flat
 * @param {Functions} top
 */
function draw(section, flat, top) {
  part(section, "graph").hidden = false;
  const root = /** @type {HTMLElement} */ (section.querySelector("[data-flamegraph]"));
  const graph = new FlameGraph(root);
  graph.show(flat);
  graph.showFunctions(top);
  return graph;
}

/**
 * @param {HTMLElement} section
 * @param {string} name
 */
function part(section, name) {
  return /** @type {HTMLElement} */ (section.querySelector(`[data-part="${name}"]`));
}

/** @param {Functions} top */
function none(top) {
  const text = document.createElement("span");
  const why = top.type === "offcpu" ? "no thread was seen to wait" : "the process was idle";
  const many = `${whole(top.profiles)} profile${top.profiles === 1 ? "" : "s"}`;
  text.textContent = top.profiles
    ? `${many} over ${duration(top.seconds)}, and no sample in ${top.profiles === 1 ? "it" : "them"}: ${why}.`
    : "No profile here.";
  return text;
}

/**
 * How much was seen, at which rate, and what is not drawn.
 *
 * @param {FlatGraph} flat
 * @param {Functions} top
 */
function totals(flat, top) {
  const strong = document.createElement("strong");
  const shown = flat.nodes.frame.length;
  strong.textContent = flat.unit === "samples" ? `${whole(flat.total)} samples` : amount(flat, flat.total);
  const words = [];
  if (flat.unit === "samples") words.push(`${duration((flat.total * flat.period_ns) / 1e9)} of thread time`);
  words.push(`observed for ${duration(top.seconds)} in ${whole(top.profiles)} profile${top.profiles === 1 ? "" : "s"}`);
  if (flat.unit === "samples" && flat.period_ns) words.push(`${rate(flat.period_ns)} samples a second`);
  if (top.unreadable) words.push(`${whole(top.unreadable)} more damaged on disk and left out`);
  const left = flat.nodes_total - shown;
  if (left > 0) words.push(`${whole(left)} frames under ${percent(flat.cut, 1)} not drawn`);
  return [strong, ` · ${words.join(" · ")}`];
}

/** @param {number} period_ns */
function rate(period_ns) {
  return (1e9 / period_ns).toLocaleString("en", { maximumFractionDigits: 1 });
}
