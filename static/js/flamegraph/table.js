// @ts-check
/** The self/total table of functions: sortable, and a row's button highlights the function in the graph. */

import { gettext } from "../words.js";
import { duration, percent, whole } from "./details.js";

/** @typedef {{name: string, file: string, line: number, self: number, total: number}} Row */
/** @typedef {{unit: string, period_ns: number, total: number, results: Row[]}} Top */
/** @typedef {"name" | "self" | "total"} Column */

export class FunctionTable {
  /**
   * @param {HTMLTableElement} table
   * @param {(row: Row) => void} highlight
   */
  constructor(table, highlight) {
    this.table = table;
    this.highlight = highlight;
    /** @type {Column} */
    this.column = "self";
    this.descending = true;
    /** @type {Top | null} */
    this.top = null;
    /** Of the search, by row of `top`. @type {Uint8Array | null} */
    this.shown = null;
    for (const button of table.querySelectorAll("thead button")) {
      button.addEventListener("click", () => this.sortBy(/** @type {Column} */ (button.getAttribute("data-column"))));
    }
  }

  /** @param {Top} top */
  show(top) {
    this.top = top;
    this.shown = null;
    this.render();
  }

  /** What a search looks at, one text a row. */
  texts() {
    return (this.top?.results ?? []).map((row) => `${row.name} ${row.file}`);
  }

  /** @param {Uint8Array | null} shown  by row; null shows all */
  narrow(shown) {
    if (!shown && !this.shown) return;
    this.shown = shown;
    this.render();
  }

  /** @param {Column} column */
  sortBy(column) {
    this.descending = this.column === column ? !this.descending : column !== "name";
    this.column = column;
    this.render();
  }

  render() {
    if (!this.top) return;
    const { top, column } = this;
    const sign = this.descending ? -1 : 1;
    const wanted = top.results.filter((_, at) => !this.shown || this.shown[at]);
    const rows = wanted.sort((a, b) => sign * compare(a[column], b[column]));
    this.table.tBodies[0].replaceChildren(...(rows.length ? rows.map((row) => this.row(row, top)) : [noRow()]));
    for (const button of this.table.querySelectorAll("thead button")) {
      const heading = /** @type {HTMLElement} */ (button.closest("th"));
      if (button.getAttribute("data-column") !== column) heading.removeAttribute("aria-sort");
      else heading.setAttribute("aria-sort", this.descending ? "descending" : "ascending");
    }
  }

  /**
   * @param {Row} row
   * @param {Top} top
   */
  row(row, top) {
    const line = document.createElement("tr");
    const name = document.createElement("th");
    const button = document.createElement("button");
    const place = document.createElement("span");
    name.scope = "row";
    button.type = "button";
    button.className = "button--quiet flame__function";
    button.textContent = row.name;
    button.addEventListener("click", () => this.highlight(row));
    place.className = "flame__place";
    place.textContent = row.line ? `${row.file}:${row.line}` : row.file;
    name.append(button, place);
    line.append(name, ...share(row.self, top), ...share(row.total, top));
    return line;
  }
}

function noRow() {
  const line = document.createElement("tr");
  const told = document.createElement("td");
  told.colSpan = 5;
  told.className = "soft";
  told.textContent = gettext("No function of the table matches the search.");
  line.append(told);
  return line;
}

/**
 * @param {string | number} a
 * @param {string | number} b
 */
function compare(a, b) {
  return typeof a === "number" ? a - Number(b) : a.localeCompare(String(b));
}

/**
 * @param {number} value
 * @param {Top} top
 */
function share(value, top) {
  const ratio = document.createElement("td");
  const measured = document.createElement("td");
  ratio.className = measured.className = "number";
  ratio.textContent = percent(value, top.total);
  measured.textContent = top.unit === "samples" && top.period_ns ? duration((value * top.period_ns) / 1e9) : whole(value);
  measured.title = `${whole(value)} ${top.unit}`;
  return [ratio, measured];
}
