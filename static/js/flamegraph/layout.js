// @ts-check
/**
 * The API's flat flame graph made ready for drawing: where every node begins and where its subtree ends.
 * Nodes stand in depth-first preorder, so a subtree is one contiguous run of indexes and can be skipped in one step.
 */

/**
 * @typedef {object} FlatGraph
 * @property {string} service
 * @property {string} type
 * @property {string} unit
 * @property {number} period_ns
 * @property {number} total
 * @property {number} seconds
 * @property {number} cut
 * @property {number} nodes_total
 * @property {string[]} strings
 * @property {{name: number[], file: number[], line: number[], module: number[], layer?: number[]}} frames
 * @property {{id: string, title: string}[]} [layers]  that `frames.layer` are places in, -1: whoever calls
 * @property {Nodes} nodes
 */

/**
 * The last three are of a difference only: the base's counts, and how each node changed.
 *
 * @typedef {object} Nodes
 * @property {number[]} frame
 * @property {number[]} depth
 * @property {number[]} total
 * @property {number[]} self
 * @property {number[]} [base_total]
 * @property {number[]} [base_self]
 * @property {(number | null)[]} [change]
 */

/**
 * @typedef {object} Graph
 * @property {FlatGraph} flat
 * @property {number} count
 * @property {Int32Array} frame    frame of each node
 * @property {Uint16Array} depth   0 is the root
 * @property {Float64Array} total  samples in the node and below
 * @property {Float64Array} self   samples in the node itself
 * @property {Float64Array} start  samples left of the node
 * @property {Int32Array} end      index behind the node's subtree
 * @property {Int32Array} parent   -1 for the root
 * @property {Int32Array} visible  room for the indexes that `collect` finds
 */

/** @typedef {{start: number, end: number}} View  the shown range, in samples */

/** A node narrower than this is not drawn, nor is anything below it. */
export const NARROWEST_PIXELS = 0.5;

/**
 * @param {FlatGraph} flat
 * @returns {Graph}
 */
export function layOut(flat) {
  const count = flat.nodes.frame.length;
  const graph = {
    flat,
    count,
    frame: new Int32Array(flat.nodes.frame),
    depth: new Uint16Array(flat.nodes.depth),
    total: new Float64Array(flat.nodes.total),
    self: new Float64Array(flat.nodes.self),
    start: new Float64Array(count),
    end: new Int32Array(count),
    parent: new Int32Array(count),
    visible: new Int32Array(count),
  };
  place(graph);
  return graph;
}

/** @param {Graph} graph */
function place(graph) {
  const { count, depth, total, start, end, parent } = graph;
  const open = []; // the node that is open at each depth
  const next = []; // where the next node at each depth begins
  let level = 0;
  for (let node = 0; node < count; node++) {
    const own = depth[node];
    for (; level > own; level--) end[open[level - 1]] = node;
    start[node] = next[own] ?? 0;
    next[own] = start[node] + total[node];
    next[own + 1] = start[node];
    parent[node] = own ? open[own - 1] : -1;
    open[own] = node;
    level = own + 1;
  }
  for (; level > 0; level--) end[open[level - 1]] = count;
}

/**
 * The nodes wide enough to be seen, written to `graph.visible` in preorder.
 *
 * @param {Graph} graph
 * @param {View} view
 * @param {number} pixels  width of the view on the screen
 * @returns {{count: number, deepest: number}}
 */
export function collect(graph, view, pixels) {
  const { depth, total, start, end, visible } = graph;
  const narrowest = (NARROWEST_PIXELS * (view.end - view.start)) / pixels;
  let count = 0;
  let deepest = 0;
  for (let node = 0; node < graph.count; ) {
    if (total[node] < narrowest || start[node] >= view.end || start[node] + total[node] <= view.start) {
      node = end[node];
      continue;
    }
    visible[count++] = node;
    if (depth[node] > deepest) deepest = depth[node];
    node++;
  }
  return { count, deepest };
}

/**
 * The node at a depth and a position, or -1.
 *
 * @param {Graph} graph
 * @param {number} depth
 * @param {number} position  in samples
 */
export function nodeAt(graph, depth, position) {
  if (!graph.count || position < 0 || position >= graph.total[0] || depth < 0) return -1;
  let node = 0;
  while (graph.depth[node] < depth) {
    const child = childAt(graph, node, position);
    if (child < 0) return -1;
    node = child;
  }
  return node;
}

/**
 * @param {Graph} graph
 * @param {number} node
 * @param {number} position
 */
function childAt(graph, node, position) {
  const { start, total, end } = graph;
  for (let child = node + 1; child < end[node]; child = end[child]) {
    if (position < start[child]) return -1;
    if (position < start[child] + total[child]) return child;
  }
  return -1;
}

/**
 * The deepest node that fills the whole view; of several as wide as each other the highest.
 *
 * @param {Graph} graph
 * @param {View} view
 */
export function around(graph, view) {
  const slack = (view.end - view.start) * 1e-6;
  const middle = (view.start + view.end) / 2;
  let found = 0;
  for (let depth = 1, node = nodeAt(graph, 1, middle); node >= 0; node = nodeAt(graph, ++depth, middle)) {
    if (graph.start[node] > view.start + slack) break;
    if (graph.start[node] + graph.total[node] < view.end - slack) break;
    if (graph.total[node] < graph.total[found]) found = node;
  }
  return found;
}

/**
 * @param {Graph} graph
 * @param {number} node
 * @returns {number[]}
 */
export function childrenOf(graph, node) {
  const children = [];
  for (let child = node + 1; child < graph.end[node]; child = graph.end[child]) children.push(child);
  return children;
}

/**
 * From the root to the node.
 *
 * @param {Graph} graph
 * @param {number} node
 * @returns {number[]}
 */
export function pathTo(graph, node) {
  const path = [];
  for (let at = node; at >= 0; at = graph.parent[at]) path.unshift(at);
  return path;
}

/**
 * The widest child, or -1.
 *
 * @param {Graph} graph
 * @param {number} node
 */
export function widestChild(graph, node) {
  let widest = -1;
  for (const child of childrenOf(graph, node)) {
    if (widest < 0 || graph.total[child] > graph.total[widest]) widest = child;
  }
  return widest;
}

/**
 * The sibling to the left (-1) or right (+1), or -1 when there is none.
 *
 * @param {Graph} graph
 * @param {number} node
 * @param {-1 | 1} step
 */
export function siblingOf(graph, node, step) {
  if (graph.parent[node] < 0) return -1;
  const siblings = childrenOf(graph, graph.parent[node]);
  return siblings[siblings.indexOf(node) + step] ?? -1;
}

/**
 * @param {Graph} graph
 * @param {number} node
 * @returns {{name: string, file: string, line: number, module: string}}
 */
export function frameOf(graph, node) {
  const { strings, frames } = graph.flat;
  const frame = graph.frame[node];
  return {
    name: strings[frames.name[frame]],
    file: strings[frames.file[frame]],
    line: frames.line[frame],
    module: strings[frames.module[frame]],
  };
}
