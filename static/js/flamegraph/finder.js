// @ts-check
/** The search box: marks what matches in the graph, narrows the table, and steps from match to match. */

import { gettext } from "../words.js";
import { percent, whole } from "./details.js";
import { BadPattern, matchesOf } from "./matching.js";
import { find, findFunction } from "./search.js";

/** @typedef {import("./index.js").FlameGraph} FlameGraph */
/** @typedef {import("./search.js").Found} Found */

export class Finder {
  /** @param {FlameGraph} flame */
  constructor(flame) {
    this.flame = flame;
    this.text = /** @type {HTMLInputElement} */ (flame.part("search"));
    this.regex = /** @type {HTMLInputElement} */ (flame.part("regex"));
    /** @type {Found | null} */
    this.found = null;
    this.turn = 0; // of the newest search; what an older one finds comes too late
    this.text.addEventListener("input", () => void this.find());
    this.regex.addEventListener("change", () => void this.find());
    this.text.addEventListener("keydown", (event) => this.key(event));
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    if (event.key === "Enter") this.step(event.shiftKey ? -1 : 1);
    if (event.key !== "Escape") return;
    event.preventDefault();
    this.text.value = "";
    void this.find();
    this.flame.chart.canvas.focus({ preventScroll: true });
  }

  /** Highlight what the box says. */
  async find() {
    const turn = ++this.turn;
    const { graph, table } = this.flame;
    const [text, regex] = [this.text.value, this.regex.checked];
    if (!graph || !text) return this.show(null, "", null);
    try {
      const found = await find(graph, text, regex);
      const rows = await matchesOf(table.texts(), text, regex);
      if (turn === this.turn) this.show(found, this.words(found), rows);
    } catch (error) {
      if (!(error instanceof BadPattern)) throw error;
      if (turn === this.turn) this.show(null, error.message, null);
      this.text.setAttribute("aria-invalid", "true");
    }
  }

  /**
   * Show where one function stands.
   *
   * @param {string} name
   * @param {string} file
   */
  highlight(name, file) {
    if (!this.flame.graph) return;
    this.turn++;
    this.text.value = name;
    this.regex.checked = false;
    const found = findFunction(this.flame.graph, name, file);
    this.show(found, this.words(found), null);
    this.flame.chart.zoom(0);
    this.step(1);
    this.flame.part("window").scrollIntoView({ block: "nearest" });
  }

  /**
   * @param {Found | null} found
   * @param {string} text
   * @param {Uint8Array | null} rows  of the table, null: all
   */
  show(found, text, rows) {
    this.text.removeAttribute("aria-invalid");
    this.found = found;
    this.flame.chart.setMatches(found?.frames ?? null);
    this.flame.table.narrow(rows);
    this.flame.part("matches").textContent = text;
  }

  /** @param {Found} found */
  words(found) {
    const { graph } = this.flame;
    if (!graph || !found.nodes.length) return gettext("No function matches");
    const share = percent(found.samples, graph.total[0]);
    return gettext("%(share)s of samples match, %(frames)s frames", { share, frames: whole(found.nodes.length) });
  }

  /** @param {1 | -1} step */
  step(step) {
    const nodes = this.found?.nodes ?? [];
    const { chart } = this.flame;
    if (!nodes.length || !chart.scene) return;
    const at = nodes.indexOf(chart.scene.selected);
    chart.select(nodes[(at + step + nodes.length) % nodes.length] ?? nodes[0]);
  }
}
