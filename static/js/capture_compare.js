// @ts-check
/** A capture against the hour before: the flame graph coloured by change, and the functions that changed most. */

import { duration, whole } from "./flamegraph/details.js";
import { changesOf, points, share } from "./flamegraph/diff.js";
import { FlameGraph } from "./flamegraph/index.js";
import { get } from "./fetch.js";

/** @typedef {import("./flamegraph/diff.js").Change} Change */

const MOST_CHANGES = 8;
const section = /** @type {HTMLElement | null} */ (document.querySelector("[data-diff]"));

/** @param {HTMLElement} section @param {string} name */
function part(section, name) {
  return /** @type {HTMLElement} */ (section.querySelector(`[data-part="${name}"]`));
}

/** @param {HTMLElement} section */
async function load(section) {
  try {
    const flat = await get(section.dataset.diff);
    part(section, "totals").textContent =
      `${whole(flat.total)} ${flat.unit} of the capture, ${duration(flat.seconds)} long, against ` +
      `${whole(flat.base.profiles)} profile${flat.base.profiles === 1 ? "" : "s"} of the hour before, ${duration(flat.base.seconds)} long`;
    part(section, "graph").hidden = false;
    show(section, flat);
  } catch (error) {
    part(section, "totals").textContent = "";
    part(section, "problem").textContent = error instanceof Error ? error.message : String(error);
    part(section, "problem").hidden = false;
  }
}

/** @param {HTMLElement} section @param {import("./flamegraph/layout.js").FlatGraph} flat */
function show(section, flat) {
  const graph = new FlameGraph(/** @type {HTMLElement} */ (section.querySelector("[data-flamegraph]")));
  graph.show(flat);
  graph.part("invert").hidden = true; // upside down, the nodes are others, and their changes are not known
  if (!graph.graph) return;
  const table = /** @type {HTMLTableElement} */ (part(section, "changes"));
  const changes = changesOf(graph.graph, MOST_CHANGES);
  table.tBodies[0].replaceChildren(...(changes.length ? changes.map((one) => row(graph, one)) : [nothing()]));
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
  const told = cell("No function's own share changed by more than sampling does by chance.");
  told.className = "soft";
  told.colSpan = 4;
  line.append(told);
  return line;
}

if (section) void load(section);
