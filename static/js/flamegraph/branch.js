// @ts-check
/** One half of a sandwich: a small flame graph with the function at its root. */

import { Chart } from "./chart.js";
import { sentence } from "./details.js";
import { bindKeys, bindPointer } from "./interact.js";
import { frameOf, layOut } from "./layout.js";
import { hideTooltip, showTooltip } from "./tooltip.js";

/** @typedef {import("./layout.js").FlatGraph} FlatGraph */
/** @typedef {{tooltip: HTMLElement, spoken: HTMLElement, open: (name: string, file: string) => void}} Around */

export class Branch {
  /**
   * @param {HTMLElement} frame  templates/_profile_branch.html
   * @param {boolean} upwards    the function at the bottom
   * @param {Around} around
   */
  constructor(frame, upwards, around) {
    this.upwards = upwards;
    this.around = around;
    const extent = /** @type {HTMLElement} */ (frame.firstElementChild);
    const canvas = /** @type {HTMLCanvasElement} */ (extent.firstElementChild);
    this.chart = new Chart(canvas, extent, frame, {
      selected: (node) => this.selected(node),
      hovered: (node, x, y) => this.hovered(node, x, y),
      zoomed: () => {},
    });
    bindPointer(this.chart);
    bindKeys(this.chart, { s: () => this.open() });
    canvas.addEventListener("dblclick", () => this.open());
  }

  /**
   * @param {FlatGraph} flat
   * @param {string} name  for who listens
   */
  show(flat, name) {
    this.graph = layOut(flat);
    this.chart.canvas.setAttribute("aria-label", name);
    this.chart.show(this.graph);
    this.chart.setOrientation(this.upwards);
  }

  /** The selected function takes the middle. */
  open() {
    const node = this.chart.scene?.selected ?? -1;
    if (!this.graph || node <= 0) return;
    const { name, file } = frameOf(this.graph, node);
    this.around.open(name, file);
  }

  /** @param {number} node */
  selected(node) {
    this.around.spoken.textContent = this.graph && node >= 0 ? sentence(this.graph, node) : "";
  }

  /**
   * @param {number} node
   * @param {number} x
   * @param {number} y
   */
  hovered(node, x, y) {
    if (!this.graph || node < 0) hideTooltip(this.around.tooltip);
    else {
      delete this.around.tooltip.dataset.node; // the other half's nodes have the same numbers
      showTooltip(this.around.tooltip, this.graph, node, x, y);
    }
  }
}
