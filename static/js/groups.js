/** Groups of charts on a page, `<details data-charts="address">`: drawn when open, followed while the page is live. */
import { drawCharts } from "./charts.js";
import { every, refresh } from "./live.js";
import { show } from "./range.js";
import { gettext } from "./words.js";

const groups = /** @type {HTMLDetailsElement[]} */ ([...document.querySelectorAll("details[data-charts]")]);
const page = /** @type {HTMLElement} */ (document.getElementById("charts"));

/** @param {HTMLDetailsElement} group @returns {Promise<void>} */
async function draw(group) {
  try {
    await drawCharts(group.dataset.charts ?? "", show, group);
  } catch (error) {
    for (const chart of group.querySelectorAll("[data-chart][data-state=waiting]")) {
      chart.textContent = gettext("The server was not reached; the charts come when it answers again.");
    }
    throw error;
  }
}

/** All that are open: the first one, which is looked at first, and then the others together. */
async function drawOpen() {
  const [first, ...others] = groups.filter((one) => one.open);
  if (first) await draw(first);
  await Promise.all(others.map(draw));
}

/** Which groups are closed is the reader's habit, not part of what is shown: it stays in the browser. */
function keepOpen() {
  const key = "closed-charts";
  const closed = new Set((localStorage.getItem(key) ?? "").split(" "));
  for (const group of groups) {
    group.open = !closed.has(group.id);
    group.addEventListener("toggle", () => {
      if (group.open) closed.delete(group.id);
      else closed.add(group.id);
      localStorage.setItem(key, [...closed].join(" "));
      const waits = group.open && group.querySelector("[data-state=waiting]");
      if (waits) draw(group).catch((error) => console.warn(String(error)));
    });
  }
}

/** Draws what is open, now and as long as the page follows the clock. */
export function follow() {
  for (const form of /** @type {NodeListOf<HTMLFormElement>} */ (document.querySelectorAll("form[data-auto]"))) {
    form.addEventListener("change", () => form.submit());
  }
  keepOpen();
  drawOpen().catch((error) => console.warn(String(error)));
  if (page.dataset.follow === "yes") every(Number(page.dataset.seconds), () => Promise.all([drawOpen(), refresh()]));
}
