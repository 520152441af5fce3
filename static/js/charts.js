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
  if (!first) return;
  const gd = /** @type {any} */ (place);
  addCrosshair(gd);
  gd.on("plotly_relayout", (/** @type {any} */ change) => {
    const [from, to] = [change["xaxis.range[0]"], change["xaxis.range[1]"]];
    if (onZoom && from && to) onZoom(unix(from), unix(to));
  });
}

/** Plotly hands dates back as "2026-01-31 12:00:00.123", in UTC. @param {string | number} date */
function unix(date) {
  return (typeof date === "number" ? date : Date.parse(`${date.replace(" ", "T")}Z`)) / 1000;
}

/** @param {HTMLElement} place */
function showNothing(place) {
  if (drawn.delete(place)) plotly().purge(place);
  place.dataset.state = "empty";
  place.textContent = place.dataset.empty ?? "Nothing measured in this time range.";
}

/** @param {any} gd */
function addCrosshair(gd) {
  const line = document.createElement("div");
  line.className = "crosshair";
  line.hidden = true;
  gd.append(line);
  gd.on("plotly_hover", (/** @type {any} */ event) => moveCrosshairs(gd, event.xvals?.[0]));
  gd.on("plotly_unhover", () => moveCrosshairs(gd, undefined));
}

/** @param {any} source the chart under the pointer, which has its own line @param {number | undefined} at ms */
function moveCrosshairs(source, at) {
  for (const place of drawn.keys()) {
    const gd = /** @type {any} */ (place);
    const line = /** @type {HTMLElement | null} */ (gd.querySelector(".crosshair"));
    const axis = gd._fullLayout?.xaxis;
    if (!line || !axis) continue;
    const x = at === undefined ? -1 : axis.l2p(at);
    line.hidden = gd === source || x < 0 || x > axis._length;
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
