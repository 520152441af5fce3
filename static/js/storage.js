/** The Storage page follows what is stored; its numbers move slowly. */
import { drawCharts } from "./charts.js";
import { every, refresh } from "./live.js";

const address = document.getElementById("stored")?.dataset.charts ?? "";
const draw = () => drawCharts(address);

draw().catch((error) => console.warn(String(error)));
every(30, () => Promise.all([draw(), refresh()]));
