/**
 * The table of a large fleet: all rows are in memory, those in sight in the document, so that thousands sort and filter
 * within a frame. The order and the filter stand in the address, as they do without script.
 */
import { ago } from "./clock.js";
import { every } from "./live.js";

/** @typedef {(string | number | null)[]} Row cells in the order of the page's columns, then id, state and words */

const COLUMNS = ["name", "findings", "cpu", "cpus", "memory", "installed", "seen", "lag", "agent"];
const ID = 9;
const STATE = 10;
const WORDS = { cpu: 11, memory: 12, installed: 13, lag: 14 };
const SPARE = 12;
const REFRESH_SECONDS = 15;

/** @param {{rows: Row[], address: string}} given */
export function followMany({ rows, address }) {
  const table = new ManyHosts(rows);
  const load = async () => {
    const answer = await fetch(address, { headers: { Accept: "application/json" } });
    if (!answer.ok || answer.redirected) throw new Error(`hosts: ${answer.status} ${answer.statusText}`);
    const fresh = await answer.json();
    table.take(fresh.rows);
    const summary = document.getElementById("summary");
    if (summary) summary.textContent = fresh.summary;
  };
  load().catch((error) => console.warn(String(error)));
  every(REFRESH_SECONDS, load);
}

class ManyHosts {
  /** @param {Row[]} rows */
  constructor(rows) {
    this.all = rows;
    this.shown = rows;
    this.body = /** @type {HTMLTableSectionElement} */ (document.querySelector("#hosts tbody"));
    this.template = /** @type {HTMLTemplateElement} */ (document.getElementById("host-row"));
    this.form = /** @type {HTMLFormElement} */ (document.querySelector("form[role=search]"));
    this.height = this.body.rows[0]?.offsetHeight || 37;
    /** @type {Map<string | number | null, HTMLTableRowElement>} */
    this.drawn = new Map();
    this.above = spacer();
    this.below = spacer();
    this.body.replaceChildren(this.above, this.below);
    this.form.addEventListener("input", () => this.arrange());
    this.form.addEventListener("submit", (event) => event.preventDefault());
    document.addEventListener("click", (event) => this.order(event));
    addEventListener("scroll", () => this.draw(), { passive: true });
    addEventListener("resize", () => this.draw());
    this.arrange();
  }

  /** @param {Row[]} rows */
  take(rows) {
    this.all = rows;
    this.drawn.clear();
    this.arrange();
  }

  /** A click on a heading. @param {MouseEvent} event */
  order(event) {
    const link = event.target instanceof Element ? event.target.closest("#hosts a[data-order]") : null;
    if (!(link instanceof HTMLAnchorElement) || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    /** @type {HTMLInputElement} */ (this.form.elements.namedItem("order")).value = link.dataset.order ?? "";
    this.arrange();
  }

  /** Filters and sorts by what the form says, and keeps that in the address. */
  arrange() {
    const fields = new FormData(this.form);
    const [name, state] = [String(fields.get("q")).trim().toLowerCase(), fields.get("state")];
    const order = String(fields.get("order")) || "-findings";
    const column = Math.max(0, COLUMNS.indexOf(order.replace("-", "")));
    const sign = order.startsWith("-") ? -1 : 1;
    this.shown = this.all
      .filter((row) => String(row[0]).toLowerCase().includes(name) && (!state || row[STATE] === state))
      .sort((one, other) => compare(one[column], other[column], sign) || compare(one[0], other[0], 1));
    const given = [...fields].filter(([, value]) => value !== "").map(([key, value]) => [key, String(value)]);
    history.replaceState(null, "", given.length ? `?${new URLSearchParams(given)}` : location.pathname);
    this.showOrder(column, order);
    this.draw();
  }

  /** @param {number} column @param {string} order */
  showOrder(column, order) {
    [...document.querySelectorAll("#hosts thead th")].forEach((head, place) => {
      const link = /** @type {HTMLAnchorElement} */ (head.querySelector("a[data-order]"));
      if (place === column) {
        head.setAttribute("aria-sort", order.startsWith("-") ? "descending" : "ascending");
        link.dataset.order = order.startsWith("-") ? order.slice(1) : `-${order}`;
      } else {
        if (head.hasAttribute("aria-sort")) link.dataset.order = `${head.matches(".number") ? "-" : ""}${COLUMNS[place]}`;
        head.removeAttribute("aria-sort");
      }
    });
  }

  /** Only the rows in sight; those that stay are not touched. */
  draw() {
    const top = -this.body.getBoundingClientRect().top;
    const first = Math.max(0, Math.min(Math.floor(top / this.height) - SPARE, this.shown.length));
    const last = Math.min(this.shown.length, Math.ceil((top + innerHeight) / this.height) + SPARE);
    const wanted = this.shown.slice(first, Math.max(first, last));
    this.above.hidden = !first;
    this.above.style.height = `${first * this.height}px`;
    this.below.style.height = `${(this.shown.length - first - wanted.length) * this.height}px`;
    this.body.replaceChildren(this.above, ...wanted.map((row) => this.row(row)), this.below);
    this.body.closest("table")?.setAttribute("aria-rowcount", String(this.shown.length + 1));
  }

  /** @param {Row} row */
  row(row) {
    const known = this.drawn.get(row[ID]);
    if (known) return known;
    const copy = /** @type {DocumentFragment} */ (this.template.content.cloneNode(true));
    const element = /** @type {HTMLTableRowElement} */ (copy.firstElementChild);
    for (const cell of /** @type {NodeListOf<HTMLElement>} */ (element.querySelectorAll("[data-field]"))) {
      fill(cell, cell.dataset.field ?? "", row);
    }
    if (this.drawn.size > 500) this.drawn.clear();
    this.drawn.set(row[ID], element);
    return element;
  }
}

function spacer() {
  const row = document.createElement("tr");
  row.ariaHidden = "true";
  row.className = "spacer";
  row.insertCell().colSpan = COLUMNS.length;
  return row;
}

/** What is not known goes last either way. @param {any} one @param {any} other @param {number} sign */
function compare(one, other, sign) {
  if (one === null || other === null) return one === other ? 0 : one === null ? 1 : -1;
  const falls = typeof one === "string" ? one.localeCompare(other) : one - other;
  return sign * falls;
}

/** @param {HTMLElement} cell @param {string} field @param {Row} row */
function fill(cell, field, row) {
  const value = row[COLUMNS.indexOf(field)] ?? null;
  if (field === "state") {
    const state = /** @type {HTMLTemplateElement} */ (document.getElementById(`state-${row[STATE]}`));
    cell.replaceChildren(state.content.cloneNode(true));
  } else if (field === "name") {
    cell.textContent = String(row[0]);
    /** @type {HTMLAnchorElement} */ (cell).href = `${location.pathname}/${row[ID]}`;
  } else if (field === "findings") fillFindings(cell, Number(value), String(row[0]));
  else if (field === "seen") fillSeen(cell, /** @type {number | null} */ (value));
  else if (value === null || value === "") cell.textContent = "–";
  else if (field === "cpu" || field === "memory") {
    /** @type {HTMLMeterElement} */ (cell.querySelector("meter")).value = Number(value);
    /** @type {HTMLElement} */ (cell.querySelector(".figure")).textContent = String(row[WORDS[field]]);
  } else cell.textContent = String(field === "installed" || field === "lag" ? row[WORDS[field]] : value);
}

/** @param {HTMLElement} cell @param {number} count @param {string} name */
function fillFindings(cell, count, name) {
  const chip = /** @type {HTMLAnchorElement} */ (cell.querySelector("a"));
  if (!count) cell.textContent = "0";
  else {
    chip.textContent = String(count);
    chip.href = `${chip.pathname}?${new URLSearchParams({ host: name })}`;
  }
}

/** @param {HTMLElement} cell @param {number | null} seconds Unix seconds */
function fillSeen(cell, seconds) {
  const time = /** @type {HTMLTimeElement} */ (cell.querySelector("time"));
  if (seconds === null) cell.textContent = "–";
  else {
    time.dateTime = new Date(seconds * 1000).toISOString();
    time.title = `${time.dateTime.slice(0, 19).replace("T", " ")} UTC`;
    time.textContent = ago(Date.now() / 1000 - seconds);
  }
}
