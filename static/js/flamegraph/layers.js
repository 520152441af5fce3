// @ts-check
/** Colours by layer of a service, as the server classified the frames: a frame that tells none is of its caller's. */

/** @typedef {import("./layout.js").Graph} Graph */

/** Degrees between the hues of neighbours: the golden angle keeps any number of them apart. */
const TURN = 137.5;
const LIGHTNESS = { light: [74, 84], dark: [28, 38] };
const NONE = { light: "hsl(215 8% 88%)", dark: "hsl(215 8% 24%)" };

/**
 * @param {Graph} graph
 * @returns {Int16Array}  by node, -1: none
 */
export function layersOf(graph) {
  const ofFrame = graph.flat.frames.layer ?? [];
  const found = new Int16Array(graph.count).fill(-1);
  for (let node = 1; node < graph.count; node++) {
    const own = ofFrame[graph.frame[node]] ?? -1;
    found[node] = own >= 0 ? own : found[graph.parent[node]];
  }
  return found;
}

/**
 * @param {number} layer
 * @param {"light" | "dark"} theme
 */
export function layerFill(layer, theme) {
  if (layer < 0) return NONE[theme];
  const lightness = LIGHTNESS[theme][layer % 2]; // neighbours differ for eyes that see no hue, too
  return `hsl(${(20 + layer * TURN) % 360} ${theme === "light" ? 62 : 40}% ${lightness}%)`;
}

/**
 * @param {Graph} graph
 * @param {"light" | "dark"} theme
 * @returns {string[] | null}  by node; null where the server told no layers
 */
export function layerFills(graph, theme) {
  const { layers } = graph.flat;
  if (!layers) return null;
  const none = layerFill(-1, theme);
  const fills = layers.map((_, layer) => layerFill(layer, theme));
  return Array.from(layersOf(graph), (layer) => (layer < 0 ? none : fills[layer]));
}
