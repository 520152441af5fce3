// @ts-check
/** What was done to the graph that was loaded: recursion collapsed, turned upside down, then parts focused or hidden. */

import { gettext } from "../words.js";
import { invert } from "./invert.js";
import { frameOf, layOut } from "./layout.js";
import { collapseRecursion, focusOn, without } from "./regrow.js";

/** @typedef {import("./layout.js").Graph} Graph */
/** @typedef {{graph: Graph, words: string}} Step */

export class Edits {
  /** @param {(graph: Graph) => void} changed */
  constructor(changed) {
    this.changed = changed;
    /** @type {Graph | null} */
    this.loaded = null;
    this.collapsed = false;
    this.inverted = false;
    /** Each has the graph after it. @type {Step[]} */
    this.steps = [];
  }

  /** @param {Graph} graph */
  load(graph) {
    this.loaded = graph;
    this.begin();
  }

  /** The frames of steps are of the graph they were made in, so turning it gives them up. */
  begin() {
    if (!this.loaded) return;
    this.steps = [];
    const collapsed = this.collapsed ? layOut(collapseRecursion(this.loaded)) : this.loaded;
    this.start = this.inverted ? layOut(invert(collapsed)) : collapsed;
    this.changed(this.start);
  }

  /** @param {boolean} on */
  collapse(on) {
    this.collapsed = on;
    this.begin();
  }

  /** @param {boolean} on */
  invert(on) {
    this.inverted = on;
    this.begin();
  }

  /** @param {number} node  more than the root */
  focus(node) {
    this.step(node, focusOn, (name) => gettext("Only %(name)s", { name }));
  }

  /** @param {number} node  more than the root */
  hide(node) {
    this.step(node, without, (name) => gettext("Without %(name)s", { name }));
  }

  /**
   * @param {number} node
   * @param {typeof focusOn} edit
   * @param {(name: string) => string} words
   */
  step(node, edit, words) {
    const graph = this.steps.at(-1)?.graph ?? this.start;
    if (!graph || node <= 0) return;
    const next = layOut(edit(graph, node));
    this.steps.push({ graph: next, words: words(frameOf(graph, node).name) });
    this.changed(next);
  }

  /** Undo a step and all after it. @param {number} at */
  undo(at) {
    if (!this.start || at < 0 || at >= this.steps.length) return;
    this.steps.length = at;
    this.changed(this.steps.at(-1)?.graph ?? this.start);
  }
}

/**
 * The steps as buttons, each of which takes it back.
 *
 * @param {HTMLElement} list  an `<ul>`
 * @param {Edits} edits
 */
export function showEdits(list, edits) {
  list.replaceChildren(
    ...edits.steps.map(({ words }, at) => {
      const item = document.createElement("li");
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = words;
      button.title = gettext("Take this and what came after it back");
      button.addEventListener("click", () => edits.undo(at));
      item.append(button);
      return item;
    }),
  );
  list.hidden = !edits.steps.length;
}
