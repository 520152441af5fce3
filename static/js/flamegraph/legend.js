// @ts-check
/** What the colours mean, and what share of the time each kind of code ran itself. */

import { gettext } from "../words.js";
import { currentTheme, KIND_NAMES } from "./colors.js";
import { percent } from "./details.js";
import { layerFill, layersOf } from "./layers.js";

/** @typedef {import("./layout.js").Graph} Graph */
/** @typedef {import("./colors.js").Kind} Kind */

/**
 * @param {HTMLElement} list  an `<ul>`
 * @param {Graph} graph
 * @param {Kind[]} kinds  by frame
 * @param {import("./colors.js").Coloring} coloring
 */
export function showLegend(list, graph, kinds, coloring) {
  if (coloring === "layer" && graph.flat.layers) return list.replaceChildren(...layerEntries(graph));
  if (coloring === "change") return list.replaceChildren(...changeEntries());
  const shares = selfByKind(graph, kinds);
  const shown = /** @type {Kind[]} */ (Object.keys(KIND_NAMES)).filter((kind) => shares.get(kind) || (kind !== "none" && shares.has(kind)));
  list.replaceChildren(...shown.map((kind) => entry(kind, percent(shares.get(kind) ?? 0, graph.total[0]))));
}

/**
 * @param {Graph} graph
 * @param {Kind[]} kinds
 */
function selfByKind(graph, kinds) {
  /** @type {Map<Kind, number>} */
  const shares = new Map();
  for (let node = 0; node < graph.count; node++) {
    const kind = kinds[graph.frame[node]];
    shares.set(kind, (shares.get(kind) ?? 0) + graph.self[node]);
  }
  return shares;
}

/**
 * @param {Kind} kind
 * @param {string} share
 */
function entry(kind, share) {
  const item = document.createElement("li");
  item.className = `flame__kind flame__kind--${kind}`;
  item.textContent = `${KIND_NAMES[kind]} ${share}`;
  item.title =
    kind === "none"
      ? gettext("%(share)s of the samples show a thread without frames: native code that no Python called, or frames too small to draw", { share })
      : gettext("%(share)s of the samples were taken while this kind of code ran itself: %(kind)s", { share, kind: KIND_NAMES[kind] });
  return item;
}

/**
 * Layers by the time in which they ran themselves.
 *
 * @param {Graph} graph
 */
function layerEntries(graph) {
  const layers = layersOf(graph);
  const names = graph.flat.layers ?? [];
  const shares = new Float64Array(names.length);
  for (let node = 0; node < graph.count; node++) if (layers[node] >= 0) shares[layers[node]] += graph.self[node];
  const shown = [...shares.keys()].filter((layer) => shares[layer] > 0).sort((a, b) => shares[b] - shares[a]);
  return shown.map((layer) => {
    const item = document.createElement("li");
    item.className = "flame__kind";
    item.style.setProperty("--kind", layerFill(layer, currentTheme()));
    item.textContent = `${gettext(names[layer].title)} ${percent(shares[layer], graph.total[0])}`;
    return item;
  });
}

/** What the colours of a difference mean. */
function changeEntries() {
  return [
    ["more", gettext("Takes a larger share than the base")],
    ["less", gettext("Takes a smaller share than the base")],
  ].map(([name, text]) => {
    const item = document.createElement("li");
    item.className = `flame__kind flame__kind--${name}`;
    item.textContent = text;
    return item;
  });
}
