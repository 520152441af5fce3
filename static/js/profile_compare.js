// @ts-check
/** The Compare page: a choice shows at once, and how the difference is looked at stands in the address. */

import { bindChoice } from "./choice.js";
import { keepInAddress } from "./flamegraph/address.js";
import { loadDifference } from "./flamegraph/difference.js";

bindChoice();
const section = /** @type {HTMLElement | null} */ (document.querySelector("[data-diff]"));
if (section) {
  const graph = await loadDifference(section);
  if (graph) keepInAddress(graph);
}
