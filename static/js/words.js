/** The page's language for what scripts say: `words.<language>.js`, loaded before, brings Django's catalogue. */

/** @typedef {Record<string, string | number>} Values */

/** The page's language, as browsers write it. */
export const LANGUAGE = document.documentElement.lang || "en";

/** @param {string} text @param {Values} [values] for each `%(name)s` in it @returns {string} */
export function gettext(text, values) {
  const translate = /** @type {any} */ (window).gettext;
  return say(translate ? translate(text) : text, values);
}

/** @param {string} one @param {string} many @param {number} count @param {Values} [values] @returns {string} */
export function ngettext(one, many, count, values) {
  const translate = /** @type {any} */ (window).ngettext;
  const chosen = translate ? translate(one, many, count) : count === 1 ? one : many;
  return say(chosen, { n: count, ...values });
}

/** A sentence with its values put in. @param {string} text @param {Values} [values] @returns {string} */
export function say(text, values = {}) {
  return text.replace(/%\((\w+)\)s/g, (whole, name) => (name in values ? String(values[name]) : whole));
}
