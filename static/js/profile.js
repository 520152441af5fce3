// @ts-check
/** The Profile page: a choice shows at once; the search text stands in the address, so that a link keeps it. */

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

/** @param {import("./flamegraph/index.js").FlameGraph} graph */
function keepSearch(graph) {
  const address = new URL(location.href);
  graph.search.value = address.searchParams.get("q") ?? "";
  graph.regex.checked = address.searchParams.get("regex") === "1";
  graph.find();
  const keep = () => {
    if (graph.search.value) address.searchParams.set("q", graph.search.value);
    else address.searchParams.delete("q");
    if (graph.regex.checked) address.searchParams.set("regex", "1");
    else address.searchParams.delete("regex");
    history.replaceState(null, "", address);
  };
  graph.search.addEventListener("input", keep);
  graph.regex.addEventListener("change", keep);
}

const section = /** @type {HTMLElement | null} */ (document.querySelector("[data-profile]"));
if (section) {
  const graph = await loadProfile(section);
  if (graph) keepSearch(graph);
}
