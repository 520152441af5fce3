/**
 * Draws the figures of a page: `<div data-chart="cpu">` gets the figure of that name from the JSON of one address.
 * All charts of a page share a crosshair, and a zoom into one is a new time range for all.
 */
import { addCrosshair, removeCrosshair } from "./crosshair.js";
import { removeLegend, withHidden, writeLegend } from "./legend.js";
import { onThemeChange, themed } from "./theme.js";
import { gettext } from "./words.js";

/** @typedef {{data: object[], layout: any}} Figure */
/** @typedef {(from: number, to: number) => void} Zoom Unix seconds of the range that was dragged */

const CONFIG = { displayModeBar: false, responsive: true, doubleClick: false, showTips: false };
// Charts this far outside the window are drawn before they are scrolled to; those beyond wait.
const AHEAD = "500px";
/** @type {Map<HTMLElement, Figure>} */
const figures = new Map();
/** @type {Set<HTMLElement>} */
const near = new Set();
/** @type {Zoom | undefined} */
let zoomed;

const watch = new IntersectionObserver(
  (entries) => {
    for (const { target, isIntersecting } of entries) {
      const place = /** @type {HTMLElement} */ (target);
      if (!isIntersecting) near.delete(place);
      else if (near.add(place)) draw(place);
    }
  },
  { rootMargin: AHEAD },
);

/** @returns {any} the global that plotly.min.js makes */
const plotly = () => /** @type {any} */ (window).Plotly;

/**
 * @param {string} address of the JSON `{charts: {name: figure or null}}` @param {Zoom} [onZoom]
 * @param {ParentNode} [root] where the charts are that it has
 * @returns {Promise<void>}
 */
export async function drawCharts(address, onZoom, root = document) {
  const answer = await fetch(address, { headers: { Accept: "application/json" } });
  if (!answer.ok || answer.redirected) throw new Error(`charts: ${answer.status} ${answer.statusText}`);
  const { charts } = await answer.json();
  zoomed = onZoom;
  for (const place of /** @type {NodeListOf<HTMLElement>} */ (root.querySelectorAll("[data-chart]"))) {
    const figure = charts[place.dataset.chart ?? ""];
    if (!figure) showNothing(place);
    else {
      figures.set(place, local(figure));
      watch.observe(place);
      if (near.has(place)) draw(place);
    }
  }
}

/** @param {HTMLElement} place */
function draw(place) {
  const figure = figures.get(place);
  if (!figure) return;
  const first = place.dataset.state !== "drawn";
  if (first) place.replaceChildren();
  const { data, layout } = themed(figure);
  plotly().react(place, withHidden(place, data), { ...layout, uirevision: "same", autosize: true }, CONFIG);
  place.dataset.state = "drawn";
  writeLegend(place, data, () => draw(place));
  if (!first) return;
  addCrosshair(place);
  /** @type {any} */ (place).on("plotly_relayout", (/** @type {any} */ change) => {
    const [from, to] = [change["xaxis.range[0]"], change["xaxis.range[1]"]];
    if (zoomed && from && to) zoomed(unix(from), unix(to));
  });
}

/**
 * Plotly knows no zones: times are moved so that what it takes for UTC reads as the browser's local time.
 * @param {Figure} figure @returns {Figure}
 */
function local({ data, layout }) {
  if (layout.xaxis?.type !== "date") return { data, layout };
  const move = (/** @type {number} */ ms) => ms - new Date(ms).getTimezoneOffset() * 60_000;
  const timed = (/** @type {any} */ part) => part.xref === "x";
  return {
    data: data.map((/** @type {any} */ trace) => ({ ...trace, x: trace.x?.map(move) })),
    layout: {
      ...layout,
      xaxis: { ...layout.xaxis, range: layout.xaxis.range?.map(move) },
      shapes: layout.shapes?.map((/** @type {any} */ one) => (timed(one) ? { ...one, x0: move(one.x0), x1: move(one.x1) } : one)),
      annotations: layout.annotations?.map((/** @type {any} */ one) => (timed(one) ? { ...one, x: move(one.x) } : one)),
    },
  };
}

/** Plotly hands dates back as "2026-01-31 12:00:00.123", here local time. @param {string | number} date */
function unix(date) {
  const text = typeof date === "number" ? new Date(date).toISOString().slice(0, -1) : date.replace(" ", "T");
  return Date.parse(text.includes("T") ? text : `${text}T00:00`) / 1000;
}

/** @param {HTMLElement} place */
function showNothing(place) {
  figures.delete(place);
  removeCrosshair(place);
  removeLegend(place);
  if (place.dataset.state === "drawn") plotly().purge(place);
  place.dataset.state = "empty";
  place.textContent = place.dataset.empty ?? gettext("Nothing measured in this time range.");
}

onThemeChange(() => near.forEach(draw));
