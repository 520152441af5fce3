// @ts-check
/** How a flame graph is looked at stands in the page's address, so that a link shows the same. */

/** @typedef {import("./index.js").FlameGraph} FlameGraph */

/** Buttons that are on or off, and their names in the address. */
const TOGGLES = { orientation: "flame", invert: "callers", collapse: "collapse" };

/**
 * Set the graph as the address says, and the address as the graph changes.
 *
 * @param {FlameGraph} flame
 */
export function keepInAddress(flame) {
  const { text, regex } = flame.finder;
  const given = new URL(location.href).searchParams;
  for (const [part, name] of Object.entries(TOGGLES)) {
    const button = flame.part(part);
    if (given.get(name) === "1") button.click();
    button.addEventListener("click", () => put(name, button.getAttribute("aria-pressed") === "true" ? "1" : ""));
  }
  const { coloring } = flame;
  const wanted = [...coloring.options].find((option) => option.value === given.get("color") && !option.hidden);
  if (wanted) {
    coloring.value = wanted.value;
    coloring.dispatchEvent(new Event("change"));
  }
  coloring.addEventListener("change", () => put("color", coloring.value));
  text.value = given.get("q") ?? "";
  regex.checked = given.get("regex") === "1";
  void flame.finder.find();
  text.addEventListener("input", () => put("q", text.value));
  regex.addEventListener("change", () => put("regex", regex.checked ? "1" : ""));
  const name = given.get("fn");
  if (name) flame.onFunction?.(name, given.get("fn_file") ?? "");
}

/**
 * @param {string} name
 * @param {string} value  '' takes it out
 */
export function put(name, value) {
  const address = new URL(location.href);
  if (value) address.searchParams.set(name, value);
  else address.searchParams.delete(name);
  history.replaceState(null, "", address);
}
