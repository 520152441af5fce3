/** The Host page: charts and tables follow the host live; a zoom into a chart is a new time range for the page. */
import { drawCharts } from "./charts.js";
import { every, refresh, swapInPlace } from "./live.js";

const grid = /** @type {HTMLElement} */ (document.getElementById("chart-grid"));
const address = grid.dataset.charts ?? "";

/** @param {number} from @param {number} to Unix seconds */
function zoom(from, to) {
  const query = new URLSearchParams(location.search);
  query.set("from", from.toFixed(0));
  query.set("to", Math.max(to, from + 1).toFixed(0));
  location.search = query.toString();
}

const draw = () => drawCharts(address, zoom);

swapInPlace();
draw().catch((error) => console.warn(String(error)));
if (grid.dataset.follow === "yes") {
  const seconds = Number(grid.dataset.seconds);
  every(seconds, () => Promise.all([draw(), refresh()]));
}
