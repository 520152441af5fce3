/** Fills the names of CSS custom properties in a figure with their values, light or dark as the page is now. */

const NAME = /var\((--[\w-]+)\)/g;

/**
 * @template T
 * @param {T} value any JSON
 * @returns {T} a copy in which every `var(--name)` is its value
 */
export function themed(value) {
  const style = getComputedStyle(document.documentElement);
  const known = new Map();
  const read = (/** @type {string} */ name) => {
    if (!known.has(name)) known.set(name, style.getPropertyValue(name).trim());
    return known.get(name);
  };
  const fill = (/** @type {any} */ part) => {
    if (typeof part === "string") return part.includes("var(") ? part.replace(NAME, (_, name) => read(name)) : part;
    // Readings are long arrays of numbers: nothing to fill in there.
    if (Array.isArray(part)) return typeof part.at(-1) === "number" ? part : part.map(fill);
    if (part && typeof part === "object") {
      return Object.fromEntries(Object.entries(part).map(([key, inner]) => [key, fill(inner)]));
    }
    return part;
  };
  return fill(value);
}

/** @param {() => void} redraw called when the person or the system switches between light and dark */
export function onThemeChange(redraw) {
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
}
