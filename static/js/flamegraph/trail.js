// @ts-check
/** The breadcrumb: from the root to the zoomed frame, each step a button that zooms to it. */

import { ngettext } from "../words.js";
import { frameOf, pathTo } from "./layout.js";

/** @typedef {import("./layout.js").Graph} Graph */

/** More steps than this and the middle is left out. */
const MOST_STEPS = 8;

/**
 * @param {HTMLElement} list  an `<ol>`
 * @param {Graph} graph
 * @param {number} node
 * @param {(node: number) => void} zoom
 */
export function showTrail(list, graph, node, zoom) {
  const path = pathTo(graph, node);
  const left = path.length > MOST_STEPS ? path.length - MOST_STEPS + 1 : 0;
  const steps = left ? [path[0], -1, ...path.slice(1 + left)] : path;
  list.replaceChildren(...steps.map((step) => (step < 0 ? gap(left) : crumb(graph, step, step === node, zoom))));
}

/** @param {number} left */
function gap(left) {
  const item = document.createElement("li");
  item.textContent = "…";
  item.title = ngettext("%(count)s frame left out", "%(count)s frames left out", left, { count: left });
  return item;
}

/**
 * @param {Graph} graph
 * @param {number} step
 * @param {boolean} last
 * @param {(node: number) => void} zoom
 */
function crumb(graph, step, last, zoom) {
  const item = document.createElement("li");
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = frameOf(graph, step).name;
  if (last) button.setAttribute("aria-current", "true");
  button.addEventListener("click", () => zoom(step));
  item.append(button);
  return item;
}
