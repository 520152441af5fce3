// @ts-check
/** The samples by thread, host or label (templates/_profile_breakdown.html): a row narrows the page to what it is of. */

import { get } from "./fetch.js";
import { amount, percent } from "./flamegraph/details.js";
import { put } from "./flamegraph/address.js";
import { gettext } from "./words.js";

/** @typedef {{value: string, name: string, total: number, share: number}} Part */
/** @typedef {{by: string, unit: string, period_ns: number, total: number, labels: string[], left_out: number, results: Part[]}} Breakdown */

/** @param {HTMLDetailsElement} details */
export function bindBreakdown(details) {
  const select = /** @type {HTMLSelectElement} */ (part(details, "by"));
  const given = new URL(location.href).searchParams.get("by");
  const load = () => {
    put("by", details.open ? select.value : "");
    if (details.open) void fill(details, select.value);
  };
  select.addEventListener("change", load);
  details.addEventListener("toggle", load);
  if (!given) return;
  if (![...select.options].some((option) => option.value === given)) select.add(option(given));
  select.value = given;
  details.open = true;
}

/**
 * @param {HTMLElement} details
 * @param {string} by
 */
async function fill(details, by) {
  part(details, "problem").hidden = true;
  part(details, "words").textContent = gettext("Loading…");
  try {
    const found = /** @type {Breakdown} */ (await get(`${details.dataset.breakdown}&${new URLSearchParams({ by })}`));
    show(details, found);
  } catch (error) {
    part(details, "words").textContent = "";
    part(details, "problem").textContent = error instanceof Error ? error.message : String(error);
    part(details, "problem").hidden = false;
  }
}

/**
 * @param {HTMLElement} details
 * @param {Breakdown} found
 */
function show(details, found) {
  const select = /** @type {HTMLSelectElement} */ (part(details, "by"));
  for (const label of found.labels) {
    const name = `label.${label}`;
    if (![...select.options].some(({ value }) => value === name)) select.add(option(name));
  }
  part(details, "heading").textContent = select.selectedOptions[0]?.textContent ?? found.by;
  const table = /** @type {HTMLTableElement} */ (part(details, "parts"));
  table.hidden = !found.results.length;
  table.tBodies[0].replaceChildren(...found.results.map((one) => row(found, one)));
  part(details, "words").textContent = words(found);
}

/** @param {Breakdown} found */
function words(found) {
  if (!found.results.length) return gettext("No samples that tell this.");
  const told = found.results.reduce((sum, one) => sum + one.total, 0);
  const parts = [gettext("%(count)s values have %(share)s of the samples.", { count: found.results.length, share: percent(told, found.total) })];
  if (found.left_out) parts.push(gettext("%(count)s more values were not looked at; narrow the choice first.", { count: found.left_out }));
  return parts.join(" ");
}

/**
 * @param {Breakdown} found
 * @param {Part} one
 */
function row(found, one) {
  const line = document.createElement("tr");
  const name = document.createElement("th");
  const link = document.createElement("a");
  const bar = document.createElement("td");
  const meter = document.createElement("meter");
  const address = new URL(location.href);
  name.scope = "row";
  address.searchParams.set(found.by, one.value);
  address.searchParams.delete("by");
  link.href = `${address.pathname}${address.search}`;
  link.textContent = one.name || gettext("without a name");
  if (one.value) name.append(link);
  else name.textContent = link.textContent; // an empty value in the address would mean all
  name.className = "break";
  meter.value = one.share;
  meter.setAttribute("aria-hidden", "true");
  bar.append(meter);
  line.append(name, cell(percent(one.total, found.total)), cell(amount(found, one.total)), bar);
  return line;
}

/** @param {string} text */
function cell(text) {
  const made = document.createElement("td");
  made.className = "number";
  made.textContent = text;
  return made;
}

/** @param {string} value */
function option(value) {
  const made = document.createElement("option");
  made.value = value;
  made.textContent = value.replace(/^label\./, "");
  return made;
}

/**
 * @param {HTMLElement} details
 * @param {string} name
 */
function part(details, name) {
  return /** @type {HTMLElement} */ (details.querySelector(`[data-part="${name}"]`));
}
