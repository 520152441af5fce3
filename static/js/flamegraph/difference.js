// @ts-check
/** A difference (templates/_profile_difference.html): a flame graph coloured by change, and what changed most. */

import { get } from "../fetch.js";
import { gettext, ngettext } from "../words.js";
import { duration, whole } from "./details.js";
import { changesOf, points, share } from "./diff.js";
import { FlameGraph } from "./index.js";

/** @typedef {import("./diff.js").Change} Change */
/** @typedef {import("./layout.js").FlatGraph & {profiles: number, base: {total: number, seconds: number, profiles: number}}} Difference */

const MOST_CHANGES = 12;

/** @param {HTMLElement} section @param {string} name */
function part(section, name) {
  return /** @type {HTMLElement} */ (section.querySelector(`[data-part="${name}"]`));
}

/**
 * @param {HTMLElement} section
 * @returns {Promise<FlameGraph | null>}  null when there is nothing to show, which the section then says
 */
export async function loadDifference(section) {
  try {
    const flat = /** @type {Difference} */ (await get(section.dataset.diff));
    part(section, "totals").textContent = totals(flat);
    if (!flat.total && !flat.base.total) return null;
    part(section, "graph").hidden = false;
    return show(section, flat);
  } catch (error) {
    part(section, "totals").textContent = "";
    part(section, "problem").textContent = error instanceof Error ? error.message : String(error);
    part(section, "problem").hidden = false;
    return null;
  }
}

/** @param {Difference} flat */
function totals(flat) {
  if (!flat.total && !flat.base.total) return gettext("Nothing was sampled on either side.");
  const words = gettext("%(now)s here, against %(base)s of the base", { now: side(flat, flat), base: side(flat, flat.base) });
  if (!flat.base.total) return gettext("%(words)s. The base has nothing: everything is new. Choose another base.", { words });
  if (!flat.total) return gettext("%(words)s. Here is nothing: everything is gone. Choose another range.", { words });
  return words;
}

/**
 * @param {Difference} flat
 * @param {{total: number, seconds: number, profiles: number}} one
 */
function side(flat, one) {
  return ngettext("%(total)s %(unit)s in %(count)s profile over %(time)s", "%(total)s %(unit)s in %(count)s profiles over %(time)s", one.profiles, {
    total: whole(one.total),
    unit: flat.unit,
    count: whole(one.profiles),
    time: duration(one.seconds),
  });
}

/** @param {HTMLElement} section @param {Difference} flat */
function show(section, flat) {
  const root = /** @type {HTMLElement} */ (section.querySelector("[data-flamegraph]"));
  const graph = new FlameGraph(root);
  graph.show(flat);
  graph.part("invert").hidden = true; // upside down, the nodes are others, and their changes are not known
  graph.part("functions-table").hidden = true; // the table of changes stands in its place
  if (!graph.graph) return graph;
  const table = /** @type {HTMLTableElement} */ (part(section, "changes"));
  const changes = changesOf(graph.graph, MOST_CHANGES);
  table.tBodies[0].replaceChildren(...(changes.length ? changes.map((one) => row(graph, one)) : [nothing()]));
  return graph;
}

/** @param {FlameGraph} graph @param {Change} one */
function row(graph, one) {
  const line = document.createElement("tr");
  const name = document.createElement("th");
  const button = document.createElement("button");
  name.scope = "row";
  button.type = "button";
  button.className = "button--quiet flame__function";
  button.textContent = one.name;
  button.title = one.file;
  button.addEventListener("click", () => graph.finder.highlight(one.name, one.file));
  name.append(button);
  line.append(name, cell(share(one.before, 1)), cell(share(one.now, 1)), cell(points(one.now - one.before)));
  line.dataset.change = one.now > one.before ? "more" : "less";
  return line;
}

/** @param {string} text */
function cell(text) {
  const made = document.createElement("td");
  made.className = "number";
  made.textContent = text;
  return made;
}

function nothing() {
  const line = document.createElement("tr");
  const told = cell(gettext("No function's own share changed by more than sampling does by chance."));
  told.className = "soft";
  told.colSpan = 4;
  line.append(told);
  return line;
}
