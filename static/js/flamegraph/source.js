// @ts-check
/** Where a frame's source can be read, by the patterns of SOURCE_URL, which the page hands over as JSON. */

/** @typedef {{prefix: string, url: string}} Pattern  `url` has {file}, {line}, {name} and {module} */

const place = document.getElementById("source-patterns");
/** @type {Pattern[]} */
const PATTERNS = place ? JSON.parse(place.textContent ?? "[]") : [];

/**
 * By the first pattern whose prefix the file has; {file} is what comes behind the prefix. Empty where there is none.
 *
 * @param {{name: string, file: string, line: number, module: string}} frame
 */
export function sourceOf(frame) {
  const pattern = frame.file ? PATTERNS.find(({ prefix }) => frame.file.startsWith(prefix)) : undefined;
  if (!pattern) return "";
  const values = {
    file: frame.file.slice(pattern.prefix.length).split("/").map(encodeURIComponent).join("/"),
    line: String(frame.line || 1),
    name: encodeURIComponent(frame.name),
    module: encodeURIComponent(frame.module),
  };
  return pattern.url.replace(/\{(\w+)\}/g, (whole, name) => /** @type {Record<string, string>} */ (values)[name] ?? whole);
}
