// @ts-check
/** The box beside the pointer: function, place, module, total and self. */

import { describe } from "./details.js";

/** @typedef {import("./layout.js").Graph} Graph */

const AWAY_PIXELS = 14;

/**
 * @param {HTMLElement} box
 * @param {Graph} graph
 * @param {number} node
 * @param {number} x  in the window
 * @param {number} y
 */
export function showTooltip(box, graph, node, x, y) {
  if (box.dataset.node !== String(node)) {
    box.replaceChildren(...describeAsElements(graph, node));
    box.dataset.node = String(node);
  }
  box.hidden = false;
  const left = x + AWAY_PIXELS + box.offsetWidth > innerWidth ? x - AWAY_PIXELS - box.offsetWidth : x + AWAY_PIXELS;
  const top = y + AWAY_PIXELS + box.offsetHeight > innerHeight ? y - AWAY_PIXELS - box.offsetHeight : y + AWAY_PIXELS;
  box.style.left = `${Math.max(4, left)}px`;
  box.style.top = `${Math.max(4, top)}px`;
}

/** @param {HTMLElement} box */
export function hideTooltip(box) {
  box.hidden = true;
  delete box.dataset.node;
}

/**
 * The same facts as a heading and a definition list.
 *
 * @param {Graph} graph
 * @param {number} node
 */
export function describeAsElements(graph, node) {
  const { title, rows } = describe(graph, node);
  const heading = document.createElement("strong");
  heading.textContent = title;
  const list = document.createElement("dl");
  for (const [label, value] of rows) {
    const term = document.createElement("dt");
    const fact = document.createElement("dd");
    term.textContent = label;
    fact.textContent = value;
    list.append(term, fact);
  }
  return [heading, list];
}
