/** The Finding page: the charts of its evidence, its state as it changes. Copy buttons work by copy.js. */
import "./copy.js";
import { drawCharts } from "./charts.js";
import { every, refresh } from "./live.js";

const grid = document.getElementById("evidence-charts");
if (grid?.dataset.charts) drawCharts(grid.dataset.charts).catch((error) => console.warn(String(error)));
every(10, () => refresh());
