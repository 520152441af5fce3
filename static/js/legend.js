/** The legend below a chart, outside the drawing so that long names cannot squeeze it: a button hides its line. */

/** @type {WeakMap<HTMLElement, Set<string>>} */
const hidden = new WeakMap();

/**
 * @param {HTMLElement} place of a chart @param {any[]} data its traces
 * @returns {any[]} the traces, those hidden that a person hid
 */
export function withHidden(place, data) {
  const names = hidden.get(place);
  return names?.size ? data.map((trace) => ({ ...trace, visible: !names.has(trace.name) })) : data;
}

/**
 * Writes the buttons anew only if the lines are others than before, so that a refresh does not take the focus away.
 * @param {HTMLElement} place @param {any[]} data @param {() => void} redraw
 */
export function writeLegend(place, data, redraw) {
  const shown = data.filter((trace) => trace.name && trace.showlegend !== false);
  const key = shown.map((trace) => `${trace.name} ${colorOf(trace)}`).join("\n");
  const present = /** @type {HTMLElement | null} */ (place.parentElement?.querySelector(".legend") ?? null);
  if (present?.dataset.key === key) return;
  present?.remove();
  if (shown.length < 2) return;
  const legend = document.createElement("div");
  legend.className = "legend";
  legend.dataset.key = key;
  legend.append(...shown.map((trace) => button(place, trace, redraw)));
  place.after(legend);
}

/** @param {HTMLElement} place */
export function removeLegend(place) {
  place.parentElement?.querySelector(".legend")?.remove();
}

/** @param {HTMLElement} place @param {any} trace @param {() => void} redraw */
function button(place, trace, redraw) {
  const names = hidden.get(place) ?? new Set();
  hidden.set(place, names);
  const button = document.createElement("button");
  const swatch = document.createElement("span");
  swatch.style.background = colorOf(trace) ?? "currentColor";
  button.type = "button";
  button.ariaPressed = String(!names.has(trace.name));
  button.append(swatch, unescaped(trace.name));
  button.addEventListener("click", () => {
    if (!names.delete(trace.name)) names.add(trace.name);
    button.ariaPressed = String(!names.has(trace.name));
    redraw();
  });
  return button;
}

/** Names come escaped for Plotly, which reads a subset of HTML. @param {string} name */
function unescaped(name) {
  return new DOMParser().parseFromString(name, "text/html").body.textContent ?? "";
}

/** Of a line or of bars. @param {any} trace @returns {string | undefined} */
function colorOf(trace) {
  return trace.line?.color ?? trace.marker?.color;
}
