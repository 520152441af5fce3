// @ts-check
/** A graph grown anew from another, node by node: frames joined, cut off or made the whole. Counts stay exact. */

/** @typedef {import("./layout.js").FlatGraph} FlatGraph */
/** @typedef {import("./layout.js").Graph} Graph */
/** @typedef {(node: number, parent: number, tree: Tree) => number} Place  where a node goes in the new tree, -1: nowhere */

/** The frame is left out with all that is below it. */
const NOWHERE = -1;

/** Nodes in order of making; 0 is the root. */
class Tree {
  /** @param {number} root  frame of the root */
  constructor(root) {
    this.frame = [root];
    this.parent = [-1];
    this.depth = [0];
    /** @type {number[][]} */
    this.children = [[]];
    /** @type {Map<number, number>[]} */
    this.known = [];
  }

  /**
   * @param {number} parent
   * @param {number} frame
   */
  below(parent, frame) {
    const known = (this.known[parent] ??= new Map());
    let node = known.get(frame);
    if (node === undefined) {
      node = this.frame.push(frame) - 1;
      this.parent.push(parent);
      this.depth.push(this.depth[parent] + 1);
      this.children.push([]);
      this.children[parent].push(node);
      known.set(frame, node);
    }
    return node;
  }
}

/**
 * A function that calls itself, directly or through others, is one frame: what it did further in counts to its first call.
 *
 * @param {Graph} graph
 */
export function collapseRecursion(graph) {
  return regrow(graph, (node, parent, tree) => {
    const frame = graph.frame[node];
    for (let above = parent; above > 0; above = tree.parent[above]) if (tree.frame[above] === frame) return above;
    return tree.below(parent, frame);
  });
}

/**
 * One node with what it called is the whole.
 *
 * @param {Graph} graph
 * @param {number} chosen
 */
export function focusOn(graph, chosen) {
  /** @type {Place} */
  const place = (node, parent, tree) => {
    if (node < chosen || node >= graph.end[chosen]) return NOWHERE;
    return tree.below(node === chosen ? 0 : parent, graph.frame[node]);
  };
  return regrow(graph, place, false);
}

/**
 * One node with what it called is gone, and its samples with it.
 *
 * @param {Graph} graph
 * @param {number} unwanted
 */
export function without(graph, unwanted) {
  return regrow(graph, (node, parent, tree) =>
    node === unwanted || parent === NOWHERE ? NOWHERE : tree.below(parent, graph.frame[node]),
  );
}

/**
 * @param {Graph} graph
 * @param {Place} place
 * @param {boolean} [withRoot]  whether the samples of no frame stay
 * @returns {FlatGraph}
 */
function regrow(graph, place, withRoot = true) {
  const tree = new Tree(graph.frame[0]);
  const target = new Int32Array(graph.count);
  for (let node = 1; node < graph.count; node++) target[node] = place(node, target[graph.parent[node]], tree);
  if (!withRoot) target[0] = NOWHERE;
  return flatten(graph, tree, target);
}

/**
 * @param {Graph} graph
 * @param {Tree} tree
 * @param {Int32Array} target
 * @returns {FlatGraph}
 */
function flatten(graph, tree, target) {
  const order = preorder(tree);
  /** @param {ArrayLike<number>} own */
  const columns = (own) => {
    const [self, total] = sums(tree, target, own);
    return { self: order.map((node) => self[node]), total: order.map((node) => total[node]) };
  };
  const { base_self: baseSelf } = graph.flat.nodes;
  const now = columns(graph.self);
  /** @type {FlatGraph["nodes"]} */
  const nodes = { frame: order.map((node) => tree.frame[node]), depth: order.map((node) => tree.depth[node]), ...now };
  if (baseSelf) {
    const base = columns(baseSelf);
    nodes.base_self = base.self;
    nodes.base_total = base.total;
    nodes.change = now.total.map((total, at) => total / (now.total[0] || 1) - base.total[at] / (base.total[0] || 1));
  }
  return { ...graph.flat, total: now.total[0], nodes };
}

/** @param {Tree} tree */
function preorder(tree) {
  const order = [];
  const open = [0];
  for (let node = open.pop(); node !== undefined; node = open.pop()) {
    order.push(node);
    for (let at = tree.children[node].length - 1; at >= 0; at--) open.push(tree.children[node][at]);
  }
  return order;
}

/**
 * Own counts by new node, and the totals of each with all below. A child is made after its parent.
 *
 * @param {Tree} tree
 * @param {Int32Array} target
 * @param {ArrayLike<number>} own
 */
function sums(tree, target, own) {
  const self = new Float64Array(tree.frame.length);
  for (let node = 0; node < target.length; node++) if (target[node] !== NOWHERE) self[target[node]] += own[node];
  const total = self.slice();
  for (let node = total.length - 1; node > 0; node--) total[tree.parent[node]] += total[node];
  return [self, total];
}
