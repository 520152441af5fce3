// @ts-check
/** What can be done with the selected frame: buttons below the graph, each with a key. */

import { gettext } from "../words.js";
import { copyText } from "./copy.js";
import { frameOf, pathTo } from "./layout.js";
import { sourceOf } from "./source.js";

/** @typedef {import("./index.js").FlameGraph} FlameGraph */

const TOLD_MS = 2000;

export class Actions {
  /** @param {FlameGraph} flame */
  constructor(flame) {
    this.flame = flame;
    this.source = /** @type {HTMLAnchorElement} */ (flame.part("source"));
    flame.part("copy").addEventListener("click", () => void this.copyName());
    flame.part("copy-stack").addEventListener("click", () => void this.copyStack());
    flame.part("focus").addEventListener("click", () => this.focus());
    flame.part("hide").addEventListener("click", () => this.hide());
    flame.part("function").addEventListener("click", () => this.openFunction());
  }

  /** The selected node, -1: none. */
  get node() {
    return this.flame.chart.scene?.selected ?? -1;
  }

  /** What fits the node. @param {number} node  -1: none */
  offer(node) {
    const root = node <= 0;
    for (const name of ["copy", "copy-stack"]) this.enable(name, node >= 0);
    for (const name of ["focus", "hide", "function"]) this.enable(name, !root);
    this.flame.part("function").hidden = !this.flame.onFunction;
    const address = root || !this.flame.graph ? "" : sourceOf(frameOf(this.flame.graph, node));
    this.source.hidden = !address;
    if (address) this.source.href = address;
  }

  /**
   * @param {string} name
   * @param {boolean} on
   */
  enable(name, on) {
    /** @type {HTMLButtonElement} */ (this.flame.part(name)).disabled = !on;
  }

  focus() {
    this.flame.edits.focus(this.node);
    this.flame.chart.canvas.focus({ preventScroll: true });
  }

  hide() {
    this.flame.edits.hide(this.node);
    this.flame.chart.canvas.focus({ preventScroll: true });
  }

  openFunction() {
    if (this.node <= 0 || !this.flame.graph) return;
    const { name, file } = frameOf(this.flame.graph, this.node);
    this.flame.onFunction?.(name, file);
  }

  openSource() {
    if (!this.source.hidden) this.source.click();
  }

  async copyName() {
    if (!this.flame.graph || this.node < 0) return;
    const { name } = frameOf(this.flame.graph, this.node);
    this.tell(await copyText(name), gettext("Copied %(name)s", { name }));
  }

  /** Root first, one frame a line, with its place. */
  async copyStack() {
    const { graph } = this.flame;
    if (!graph || this.node < 0) return;
    const lines = pathTo(graph, this.node).map((node) => {
      const { name, file, line } = frameOf(graph, node);
      return file ? `${name} (${file}${line ? `:${line}` : ""})` : name;
    });
    this.tell(await copyText(lines.join("\n")), gettext("Copied the stack"));
  }

  /**
   * @param {boolean} copied
   * @param {string} words
   */
  tell(copied, words) {
    this.flame.part("spoken").textContent = copied ? words : gettext("The browser did not allow copying");
    this.flame.part("copied").textContent = copied ? gettext("Copied") : gettext("Not allowed by the browser");
    setTimeout(() => (this.flame.part("copied").textContent = ""), TOLD_MS);
  }
}
