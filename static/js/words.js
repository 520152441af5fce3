// @ts-check
/**
 * The page's language for scripts: Django's catalogue (`gettext`, `ngettext`) where the page loads one, English
 * otherwise. Numbers follow the language too.
 */

const catalogue = /** @type {any} */ (globalThis).django ?? {};

/** The page's language as browsers write it. */
export const LANGUAGE = document.documentElement.lang || "en";

/** @param {string} text */
export function gettext(text) {
  return catalogue.gettext?.(text) ?? text;
}

/**
 * @param {string} one
 * @param {string} many
 * @param {number} count
 */
export function ngettext(one, many, count) {
  return catalogue.ngettext?.(one, many, count) ?? (count === 1 ? one : many);
}

/**
 * `say(gettext("%(part)s of %(all)s"), {part, all})`
 *
 * @param {string} text
 * @param {Record<string, string | number>} values
 */
export function say(text, values) {
  return text.replace(/%\((\w+)\)s/g, (whole, name) => String(values[name] ?? whole));
}
