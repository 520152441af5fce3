/** The Finding page: the charts of its evidence. Copy buttons work by copy.js. */
import "./copy.js";
import { drawCharts } from "./charts.js";

const grid = document.getElementById("evidence-charts");
if (grid?.dataset.charts) drawCharts(grid.dataset.charts).catch((error) => console.warn(String(error)));
