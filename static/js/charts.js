/**
 * Draws the figures of a page: `<div data-chart="cpu">` gets the figure of that name from the JSON of one address.
 * All charts of a page share a crosshair, and a zoom into one is a new time range for all.
 */
import { onThemeChange, themed } from "./theme.js";

/** @typedef {{data: object[], layout: any}} Figure */

const CONFIG = { displayModeBar: false, responsive: true, doubleClick: false, showTips: false };
/** @type {Map<HTMLElement, Figure>} */
const drawn = new Map();

/** @returns {any} the global that plotly.min.js makes */
const plotly = () => /** @type {any} */ (window).Plotly;

/**
 * @param {string} address of the JSON `{charts: {name: figure or null}}`
 * @param {(from: number, to: number) => void} [onZoom] Unix seconds of the range that was dragged
 * @returns {Promise<void>}
 */
export async function drawCharts(address, onZoom) {
  const answer = await fetch(address, { headers: { Accept: "application/json" } });
  if (!answer.ok || answer.redirected) throw new Error(`charts: ${answer.status} ${answer.statusText}`);
  const { charts } = await answer.json();
  for (const place of chartPlaces()) {
    const figure = charts[place.dataset.chart ?? ""];
    if (figure) draw(place, figure, onZoom);
    else showNothing(place);
  }
}

function chartPlaces() {
  return /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("[data-chart]"));
}

/** @param {HTMLElement} place @param {Figure} figure @param {any} onZoom */
function draw(place, figure, onZoom) {
  const first = !drawn.has(place);
  if (first) place.replaceChildren();
  drawn.set(place, figure);
  const { data, layout } = themed(figure);
  plotly().react(place, data, { ...layout, uirevision: "same", autosize: true }, CONFIG);
  place.dataset.state = "drawn";
  writeLegend(place, data);
  if (!first) return;
  const gd = /** @type {any} */ (place);
  addCrosshair(gd);
  gd.on("plotly_relayout", (/** @type {any} */ change) => {
    const [from, to] = [change["xaxis.range[0]"], change["xaxis.range[1]"]];
    if (onZoom && from && to) onZoom(unix(from), unix(to));
  });
}

/** A button for each line, below the chart; pressing it hides the line. @param {HTMLElement} place @param {any[]} data */
function writeLegend(place, data) {
  const shown = data.map((trace, at) => ({ trace, at })).filter(({ trace }) => trace.name && trace.showlegend !== false);
  const names = shown.map(({ trace }) => trace.name).join("\n");
  let legend = /** @type {HTMLElement | null} */ (place.parentElement?.querySelector(".legend") ?? null);
  if (legend?.dataset.names === names) return;
  legend?.remove();
  if (shown.length < 2) return;
  legend = document.createElement("div");
  legend.className = "legend";
  legend.dataset.names = names;
  for (const { trace, at } of shown) legend.append(legendButton(place, trace, at));
  place.after(legend);
}

/** @param {HTMLElement} place @param {any} trace @param {number} at its place among the figure's traces */
function legendButton(place, trace, at) {
  const button = document.createElement("button");
  const swatch = document.createElement("span");
  swatch.style.background = trace.line?.color ?? "currentColor";
  button.type = "button";
  button.ariaPressed = "true";
  // Names come escaped for Plotly, which reads a subset of HTML.
  const name = new DOMParser().parseFromString(trace.name, "text/html").body.textContent ?? "";
  button.append(swatch, name);
  button.addEventListener("click", () => {
    const visible = button.ariaPressed !== "true";
    button.ariaPressed = String(visible);
    plotly().restyle(place, { visible }, [at]);
  });
  return button;
}

/** Plotly hands dates back as "2026-01-31 12:00:00.123", in UTC. @param {string | number} date */
function unix(date) {
  return (typeof date === "number" ? date : Date.parse(`${date.replace(" ", "T")}Z`)) / 1000;
}

/** @param {HTMLElement} place */
function showNothing(place) {
  if (drawn.delete(place)) plotly().purge(place);
  place.parentElement?.querySelector(".legend")?.remove();
  place.dataset.state = "empty";
  place.textContent = place.dataset.empty ?? "Nothing measured in this time range.";
}

/** @param {any} gd */
function addCrosshair(gd) {
  const line = document.createElement("div");
  line.className = "crosshair";
  line.hidden = true;
  gd.append(line);
  gd.on("plotly_hover", (/** @type {any} */ event) => moveCrosshairs(gd, event.points[0]?.x));
  gd.on("plotly_unhover", () => moveCrosshairs(gd, undefined));
}

/** @param {any} source the chart under the pointer, which has its own line @param {string | number | undefined} at the time under it */
function moveCrosshairs(source, at) {
  for (const place of drawn.keys()) {
    const gd = /** @type {any} */ (place);
    const line = /** @type {HTMLElement | null} */ (gd.querySelector(".crosshair"));
    const axis = gd._fullLayout?.xaxis;
    if (!line || !axis) continue;
    const x = at === undefined ? -1 : axis.d2p(at);
    line.hidden = gd === source || !(x >= 0 && x <= axis._length);
    if (line.hidden) continue;
    const { t, h } = gd._fullLayout._size;
    Object.assign(line.style, { left: `${axis._offset + x}px`, top: `${t}px`, height: `${h}px` });
  }
}

onThemeChange(() => {
  for (const [place, figure] of drawn) {
    const { data, layout } = themed(figure);
    plotly().react(place, data, { ...layout, uirevision: "same", autosize: true }, CONFIG);
  }
});
