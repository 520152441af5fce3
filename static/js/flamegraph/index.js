// @ts-check
/** The flame graph as a part of a page: binds the markup of templates/_flamegraph.html to a chart. */

import { Chart } from "./chart.js";
import { copyText } from "./copy.js";
import { percent, sentence, whole } from "./details.js";
import { bindKeys, bindPointer } from "./interact.js";
import { invert } from "./invert.js";
import { frameOf, layOut } from "./layout.js";
import { showLegend } from "./legend.js";
import { find, findFunction, matcher } from "./search.js";
import { FunctionTable } from "./table.js";
import { describeAsElements, hideTooltip, showTooltip } from "./tooltip.js";
import { showTrail } from "./trail.js";

/** @typedef {import("./layout.js").FlatGraph} FlatGraph */
/** @typedef {import("./layout.js").Graph} Graph */
/** @typedef {import("./search.js").Found} Found */

export class FlameGraph {
  /** Those on the page, by their element. @type {WeakMap<Element, FlameGraph>} */
  static shown = new WeakMap();

  /** @param {HTMLElement} root  the element with `data-flamegraph` */
  constructor(root) {
    this.root = root;
    FlameGraph.shown.set(root, this);
    /** @type {Graph | null} */
    this.graph = null;
    /** @type {Graph | null} */
    this.callees = null;
    /** @type {Found | null} */
    this.found = null;
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
    this.table = new FunctionTable(/** @type {HTMLTableElement} */ (this.part("functions")), (row) =>
      this.highlight(row.name, row.file),
    );
    this.search = /** @type {HTMLInputElement} */ (this.part("search"));
    this.regex = /** @type {HTMLInputElement} */ (this.part("regex"));
    bindPointer(this.chart);
    bindKeys(this.chart, this.commands());
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
    this.callees = layOut(flat);
    this.part("invert").setAttribute("aria-pressed", "false");
    this.use(this.callees);
  }

  /** @param {import("./table.js").Top} top */
  showFunctions(top) {
    this.table.show(top);
  }

  /** @param {Graph} graph */
  use(graph) {
    this.graph = graph;
    this.chart.show(graph);
    this.chart.canvas.setAttribute("aria-label", summary(graph));
    showLegend(this.part("legend"), graph, this.chart.kinds ?? []);
    this.selected(-1);
    this.find();
  }

  commands() {
    return {
      focusSearch: () => this.search.focus(),
      showKeys: () => /** @type {HTMLDialogElement} */ (this.part("keys")).showModal(),
      copyName: () => void this.copyName(),
      nextMatch: (/** @type {1 | -1} */ step) => this.nextMatch(step),
    };
  }

  bindBar() {
    const { chart } = this;
    this.search.addEventListener("input", () => this.find());
    this.regex.addEventListener("change", () => this.find());
    this.search.addEventListener("keydown", (event) => this.searchKey(event));
    this.part("reset").addEventListener("click", () => chart.zoom(0));
    this.part("copy").addEventListener("click", () => void this.copyName());
    this.part("help").addEventListener("click", () => this.commands().showKeys());
    this.toggle("orientation", (on) => chart.setOrientation(on));
    this.toggle("invert", (on) => this.setInverted(on));
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

  /** @param {boolean} on */
  setInverted(on) {
    if (this.callees) this.use(on ? layOut(invert(this.callees)) : this.callees);
  }

  /** @param {KeyboardEvent} event */
  searchKey(event) {
    if (event.key === "Enter") this.nextMatch(event.shiftKey ? -1 : 1);
    if (event.key !== "Escape") return;
    event.preventDefault();
    this.search.value = "";
    this.find();
    this.chart.canvas.focus({ preventScroll: true });
  }

  /** Highlight what the search box says. */
  find() {
    const text = this.search.value;
    if (!this.graph || !text) return this.setFound(null, "");
    try {
      const found = find(this.graph, matcher(text, this.regex.checked));
      this.setFound(found, this.matchedText(found));
      this.search.removeAttribute("aria-invalid");
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
      this.setFound(null, `Not a pattern: ${error.message.split(": ").pop()}`);
      this.search.setAttribute("aria-invalid", "true");
    }
  }

  /**
   * @param {Found | null} found
   * @param {string} text
   */
  setFound(found, text) {
    if (!found && !text) this.search.removeAttribute("aria-invalid");
    this.found = found;
    this.chart.setMatches(found?.frames ?? null);
    this.part("matches").textContent = text;
  }

  /** @param {Found} found */
  matchedText(found) {
    if (!this.graph || !found.nodes.length) return "No function matches";
    return `${percent(found.samples, this.graph.total[0])} of samples match, ${whole(found.nodes.length)} frames`;
  }

  /** @param {1 | -1} step */
  nextMatch(step) {
    const nodes = this.found?.nodes ?? [];
    if (!nodes.length || !this.chart.scene) return;
    const at = nodes.indexOf(this.chart.scene.selected);
    this.chart.select(nodes[(at + step + nodes.length) % nodes.length] ?? nodes[0]);
  }

  /**
   * Show where one function stands.
   *
   * @param {string} name
   * @param {string} file
   */
  highlight(name, file) {
    if (!this.graph) return;
    this.search.value = name;
    this.regex.checked = false;
    const found = findFunction(this.graph, name, file);
    this.setFound(found, this.matchedText(found));
    this.chart.zoom(0);
    this.nextMatch(1);
    this.part("window").scrollIntoView({ block: "nearest" });
  }

  /** @param {number} node */
  selected(node) {
    /** @type {HTMLButtonElement} */ (this.part("copy")).disabled = node < 0;
    this.part("spoken").textContent = node < 0 || !this.graph ? "" : sentence(this.graph, node);
    this.part("details").replaceChildren(...(node < 0 || !this.graph ? [hint()] : describeAsElements(this.graph, node)));
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

  async copyName() {
    const node = this.chart.scene?.selected ?? -1;
    if (!this.graph || node < 0) return;
    const { name } = frameOf(this.graph, node);
    const copied = await copyText(name);
    this.part("spoken").textContent = copied ? `Copied ${name}` : "The browser did not allow copying";
    this.part("copied").textContent = copied ? "Copied" : "Not allowed by the browser";
    setTimeout(() => (this.part("copied").textContent = ""), 2000);
  }
}

/** @param {Graph} graph */
function summary(graph) {
  const { flat, count, total } = graph;
  return `Flame graph of ${flat.service}, ${flat.type}: ${whole(total[0])} ${flat.unit} in ${whole(count)} frames. Arrow keys move, Enter zooms, question mark shows all keys.`;
}

function hint() {
  const text = document.createElement("span");
  text.className = "faint";
  text.textContent = "Click a frame to zoom and see its figures here. With the graph focused, ? shows the keys.";
  return text;
}
