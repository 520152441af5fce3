// @ts-check
/** The Profile page: a choice shows at once; the search text stands in the address, so that a link keeps it. */

import { bindBreakdown } from "./breakdown.js";
import { keepInAddress } from "./flamegraph/address.js";
import { loadProfile } from "./flamegraph/load.js";

const choice = /** @type {HTMLFormElement | null} */ (document.querySelector("form[data-choice]"));
choice?.addEventListener("change", () => {
  for (const field of choice.elements) {
    if ((field instanceof HTMLSelectElement || field instanceof HTMLInputElement) && !field.value) field.disabled = true;
  }
  choice.submit();
});
// Coming back by the browser's history must not find the fields that were left out.
addEventListener("pageshow", () => choice?.querySelectorAll(":disabled").forEach((field) => field.removeAttribute("disabled")));

const section = /** @type {HTMLElement | null} */ (document.querySelector("[data-profile]"));
if (section) {
  const graph = await loadProfile(section);
  if (graph) keepInAddress(graph);
}

const breakdown = /** @type {HTMLDetailsElement | null} */ (document.querySelector("[data-breakdown]"));
if (breakdown) bindBreakdown(breakdown);
