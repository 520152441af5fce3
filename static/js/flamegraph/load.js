// @ts-check
/** Fills one `[data-profile]` section (templates/_profile_graph.html) from the API: graph, table and totals. */

import { get } from "../fetch.js";
import { gettext, LANGUAGE, ngettext } from "../words.js";
import { amount, duration, percent, whole } from "./details.js";
import { FunctionPanel } from "./function.js";
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
    part(section, "problem").hidden = true;
    part(section, "graph").hidden = empty;
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
 * @param {HTMLElement} section
 * @param {FlatGraph} flat
 * @param {Functions} top
 */
function draw(section, flat, top) {
  part(section, "graph").hidden = false;
  const root = /** @type {HTMLElement} */ (section.querySelector("[data-flamegraph]"));
  const graph = FlameGraph.shown.get(root) ?? bound(root, section);
  graph.show(flat);
  graph.showFunctions(top);
  return graph;
}

/**
 * With the panel of one function, where the page has it.
 *
 * @param {HTMLElement} root
 * @param {HTMLElement} section
 */
function bound(root, section) {
  const graph = new FlameGraph(root);
  const panel = /** @type {HTMLElement | null} */ (section.parentElement?.querySelector("[data-function]") ?? null);
  if (panel) {
    const functions = new FunctionPanel(panel);
    graph.onFunction = (name, file) => void functions.open(name, file);
  }
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
  const why = top.type === "offcpu" ? gettext("no thread was seen to wait") : gettext("the process was idle");
  const words = ngettext(
    "%(count)s profile over %(time)s, and no sample in it: %(why)s.",
    "%(count)s profiles over %(time)s, and no sample in them: %(why)s.",
    top.profiles,
    { count: whole(top.profiles), time: duration(top.seconds), why },
  );
  text.textContent = top.profiles ? words : gettext("No profile here.");
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
  const sampled = flat.unit === "samples";
  strong.textContent = sampled ? samples(flat.total) : amount(flat, flat.total);
  const words = [];
  if (sampled && flat.period_ns) {
    words.push(gettext("%(time)s of thread time", { time: duration((flat.total * flat.period_ns) / 1e9) }));
  }
  if (top.seconds) words.push(observed(top));
  if (sampled && flat.period_ns) words.push(gettext("%(rate)s samples a second", { rate: rate(flat.period_ns) }));
  if (top.unreadable) words.push(gettext("%(count)s more damaged on disk and left out", { count: whole(top.unreadable) }));
  const left = flat.nodes_total - flat.nodes.frame.length;
  const share = percent(flat.cut, 1);
  if (left > 0) words.push(gettext("%(count)s frames under %(share)s not drawn", { count: whole(left), share }));
  return [strong, ` · ${words.join(" · ")}`];
}

/** @param {number} count */
function samples(count) {
  return ngettext("%(count)s sample", "%(count)s samples", count, { count: whole(count) });
}

/** @param {Functions} top */
function observed(top) {
  return ngettext(
    "observed for %(time)s in %(count)s profile",
    "observed for %(time)s in %(count)s profiles",
    top.profiles,
    { time: duration(top.seconds), count: whole(top.profiles) },
  );
}

/** @param {number} period_ns */
function rate(period_ns) {
  return (1e9 / period_ns).toLocaleString(LANGUAGE, { maximumFractionDigits: 1 });
}
