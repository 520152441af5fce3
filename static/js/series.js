/** The Series explorer: one chart of what the form asks for, followed live. */
import { drawCharts } from "./charts.js";
import { every } from "./live.js";
import { show } from "./range.js";

const form = /** @type {HTMLFormElement | null} */ (document.querySelector("form[data-auto]"));
form?.addEventListener("change", () => form.submit());

const page = document.getElementById("charts");
const figure = /** @type {HTMLElement | null} */ (document.querySelector("[data-figures]"));
if (page && figure) {
  const draw = () => drawCharts(figure.dataset.figures ?? "", show);
  draw().catch((error) => console.warn(String(error)));
  if (page.dataset.follow === "yes") every(Number(page.dataset.seconds), draw);
}
