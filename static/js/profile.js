// @ts-check
/** The Profile page: a choice shows at once; the search text stands in the address, so that a link keeps it. */

import { bindBreakdown } from "./breakdown.js";
import { bindChoice } from "./choice.js";
import { keepInAddress } from "./flamegraph/address.js";
import { loadProfile } from "./flamegraph/load.js";

bindChoice();
const section = /** @type {HTMLElement | null} */ (document.querySelector("[data-profile]"));
if (section) {
  const graph = await loadProfile(section);
  if (graph) keepInAddress(graph);
}

const breakdown = /** @type {HTMLDetailsElement | null} */ (document.querySelector("[data-breakdown]"));
if (breakdown) bindBreakdown(breakdown);
