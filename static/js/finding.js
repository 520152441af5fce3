/** The Finding page: the charts of its evidence, its state as it changes. Copy buttons work by copy.js. */
import "./copy.js";
import { drawCharts } from "./charts.js";
import { every, refresh } from "./live.js";

/** What happened around it is a page of its own, which reads a lot: brought in once. */
async function bringAround() {
  const place = document.getElementById("around");
  if (!place?.dataset.around) return;
  const answer = await fetch(place.dataset.around, { headers: { Accept: "text/html" } });
  if (!answer.ok) throw new Error(`around: ${answer.status} ${answer.statusText}`);
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  place.replaceChildren(...(page.getElementById("around")?.childNodes ?? []));
}

const grid = document.getElementById("evidence-charts");
if (grid?.dataset.charts) drawCharts(grid.dataset.charts).catch((error) => console.warn(String(error)));
bringAround().catch((error) => console.warn(String(error)));
every(10, () => refresh());
