// @ts-check
/** The flame graph as a part of a page: binds the markup of templates/_flamegraph.html to a chart. */

import { gettext } from "../words.js";
import { Actions } from "./actions.js";
import { Chart } from "./chart.js";
import { sentence, whole } from "./details.js";
import { Edits, showEdits } from "./edits.js";
import { Finder } from "./finder.js";
import { bindKeys, bindPointer, bindSearchKey } from "./interact.js";
import { layOut } from "./layout.js";
import { showLegend } from "./legend.js";
import { download, pictureOf } from "./picture.js";
import { FunctionTable } from "./table.js";
import { describeAsElements, hideTooltip, showTooltip } from "./tooltip.js";
import { showTrail } from "./trail.js";

/** @typedef {import("./layout.js").FlatGraph} FlatGraph */
/** @typedef {import("./layout.js").Graph} Graph */
/** @typedef {import("./colors.js").Coloring} Coloring */

export class FlameGraph {
  /** Those on the page, by their element. @type {WeakMap<Element, FlameGraph>} */
  static shown = new WeakMap();

  /** @param {HTMLElement} root  the element with `data-flamegraph` */
  constructor(root) {
    this.root = root;
    FlameGraph.shown.set(root, this);
    /** What is drawn. @type {Graph | null} */
    this.graph = null;
    /** Opens a function by itself, where the page can. @type {((name: string, file: string) => void) | null} */
    this.onFunction = null;
    this.chart = new Chart(
      /** @type {HTMLCanvasElement} */ (this.part("canvas")),
      this.part("extent"),
      this.part("window"),
      {
        selected: (node) => this.selected(node),
        hovered: (node, x, y) => this.hovered(node, x, y),
        zoomed: (node) => this.zoomed(node),
      },
    );
    this.edits = new Edits((graph) => this.use(graph));
    this.table = new FunctionTable(/** @type {HTMLTableElement} */ (this.part("functions")), (row) =>
      this.finder.highlight(row.name, row.file),
    );
    this.finder = new Finder(this);
    this.actions = new Actions(this);
    bindPointer(this.chart);
    bindKeys(this.chart, this.commands());
    bindSearchKey(() => this.finder.text.focus());
    this.bindBar();
  }

  /** @param {string} name */
  part(name) {
    const element = this.root.querySelector(`[data-part="${name}"]`);
    if (!element) throw new Error(`the flame graph's markup has no part ${name}`);
    return /** @type {HTMLElement} */ (element);
  }

  /** @param {FlatGraph} flat */
  show(flat) {
    const different = Boolean(flat.nodes.change);
    this.part("coloring-change").hidden = !different;
    this.setColoring(different ? "change" : "package");
    this.edits.load(layOut(flat));
  }

  /** @param {import("./table.js").Top} top */
  showFunctions(top) {
    this.table.show(top);
    void this.finder.find();
  }

  /** @param {Graph} graph */
  use(graph) {
    this.graph = graph;
    this.chart.show(graph);
    this.chart.canvas.setAttribute("aria-label", summary(graph));
    this.showLegend();
    this.selected(-1);
    showEdits(this.part("edits"), this.edits);
    void this.finder.find();
  }

  /** Keys of the focused graph. */
  commands() {
    const { actions, finder } = this;
    return {
      "/": () => finder.text.focus(),
      "?": () => this.showKeys(),
      c: () => void actions.copyName(),
      C: () => void actions.copyStack(),
      f: () => actions.focus(),
      h: () => actions.hide(),
      u: () => this.edits.undo(this.edits.steps.length - 1),
      s: () => actions.openFunction(),
      o: () => actions.openSource(),
      n: () => finder.step(1),
      N: () => finder.step(-1),
    };
  }

  bindBar() {
    this.part("reset").addEventListener("click", () => this.chart.zoom(0));
    this.part("help").addEventListener("click", () => this.showKeys());
    this.part("picture").addEventListener("click", () => void this.savePicture());
    this.toggle("orientation", (on) => this.chart.setOrientation(on));
    this.toggle("invert", (on) => this.edits.invert(on));
    this.toggle("collapse", (on) => this.edits.collapse(on));
    this.coloring.addEventListener("change", () => {
      this.setColoring(/** @type {Coloring} */ (this.coloring.value));
      this.showLegend();
    });
  }

  get coloring() {
    return /** @type {HTMLSelectElement} */ (this.part("coloring"));
  }

  /** @param {Coloring} coloring */
  setColoring(coloring) {
    this.coloring.value = coloring;
    this.chart.setColoring(coloring);
  }

  showLegend() {
    if (this.graph) showLegend(this.part("legend"), this.graph, this.chart.kinds ?? [], this.chart.coloring);
  }

  showKeys() {
    /** @type {HTMLDialogElement} */ (this.part("keys")).showModal();
  }

  /**
   * @param {string} name
   * @param {(on: boolean) => void} act
   */
  toggle(name, act) {
    const button = this.part(name);
    button.addEventListener("click", () => {
      const on = button.getAttribute("aria-pressed") !== "true";
      button.setAttribute("aria-pressed", String(on));
      act(on);
    });
  }

  /** @param {number} node */
  selected(node) {
    const { graph } = this;
    this.part("spoken").textContent = node < 0 || !graph ? "" : sentence(graph, node);
    this.part("details").replaceChildren(...(node < 0 || !graph ? [hint()] : describeAsElements(graph, node)));
    this.actions.offer(node);
  }

  /**
   * @param {number} node
   * @param {number} x
   * @param {number} y
   */
  hovered(node, x, y) {
    if (node < 0 || !this.graph) hideTooltip(this.part("tooltip"));
    else showTooltip(this.part("tooltip"), this.graph, node, x, y);
  }

  /** @param {number} node */
  zoomed(node) {
    const graph = this.chart.scene?.graph;
    /** @type {HTMLButtonElement} */ (this.part("reset")).disabled = node === 0;
    if (graph) showTrail(this.part("trail"), graph, node, (to) => this.chart.zoom(to));
  }

  async savePicture() {
    if (!this.chart.scene || !this.graph) return;
    const background = getComputedStyle(this.part("window")).backgroundColor;
    download(await pictureOf(this.chart.scene, background), `${this.graph.flat.service || "profile"}.png`);
  }
}

/** @param {Graph} graph */
function summary({ flat, count, total }) {
  return gettext(
    "Flame graph of %(service)s, %(type)s: %(total)s %(unit)s in %(frames)s frames. Arrow keys move, Enter zooms, question mark shows all keys.",
    { service: flat.service, type: flat.type, total: whole(total[0]), unit: flat.unit, frames: whole(count) },
  );
}

function hint() {
  const text = document.createElement("span");
  text.className = "faint";
  text.textContent = gettext("Click a frame to zoom and see its figures here. With the graph focused, ? shows the keys.");
  return text;
}
