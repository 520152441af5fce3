// @ts-check
/** The graph upside down: below the root stand the functions that ran, below each its callers. */

/** @typedef {import("./layout.js").Graph} Graph */
/** @typedef {import("./layout.js").FlatGraph} FlatGraph */

/** @typedef {{frame: number, total: number, self: number, callers: Map<number, Branch>}} Branch */

/**
 * @param {Graph} graph
 * @returns {FlatGraph}
 */
export function invert(graph) {
  const root = branch(graph.frame[0]);
  for (let node = 1; node < graph.count; node++) {
    const samples = graph.self[node];
    if (samples > 0) add(graph, root, node, samples);
  }
  root.self = graph.self[0];
  root.total = root.self;
  for (const child of root.callers.values()) root.total += child.total;
  return { ...graph.flat, nodes: flatten(root) };
}

/**
 * @param {number} frame
 * @returns {Branch}
 */
function branch(frame) {
  return { frame, total: 0, self: 0, callers: new Map() };
}

/**
 * @param {Graph} graph
 * @param {Branch} root
 * @param {number} leaf
 * @param {number} samples
 */
function add(graph, root, leaf, samples) {
  let at = root;
  for (let node = leaf; node > 0; node = graph.parent[node]) {
    const frame = graph.frame[node];
    let next = at.callers.get(frame);
    if (!next) at.callers.set(frame, (next = branch(frame)));
    next.total += samples;
    if (node === leaf) next.self += samples;
    at = next;
  }
}

/** @param {Branch} root */
function flatten(root) {
  /** @type {FlatGraph["nodes"]} */
  const nodes = { frame: [], depth: [], total: [], self: [] };
  /** @type {[Branch, number][]} */
  const open = [[root, 0]];
  for (let item = open.pop(); item; item = open.pop()) {
    const [at, depth] = item;
    nodes.frame.push(at.frame);
    nodes.depth.push(depth);
    nodes.total.push(at.total);
    nodes.self.push(at.self);
    const callers = [...at.callers.values()].sort((a, b) => a.total - b.total);
    for (const caller of callers) open.push([caller, depth + 1]);
  }
  return nodes;
}
