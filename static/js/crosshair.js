/** One vertical line through all charts of a page at the time under the pointer. */

/** @type {Set<any>} */
const charts = new Set();

/** @param {any} gd a drawn Plotly chart */
export function addCrosshair(gd) {
  const line = document.createElement("div");
  line.className = "crosshair";
  line.hidden = true;
  gd.append(line);
  charts.add(gd);
  gd.on("plotly_hover", (/** @type {any} */ event) => move(gd, event.points[0]?.x));
  gd.on("plotly_unhover", () => move(gd, undefined));
}

/** @param {any} gd */
export function removeCrosshair(gd) {
  charts.delete(gd);
}

/** @param {any} source the chart under the pointer, which draws its own line @param {string | number | undefined} at */
function move(source, at) {
  for (const gd of charts) {
    const line = gd.querySelector(".crosshair");
    const axis = gd._fullLayout?.xaxis;
    if (!line || !axis) continue;
    const x = at === undefined ? -1 : axis.d2p(at);
    line.hidden = gd === source || !(x >= 0 && x <= axis._length);
    if (line.hidden) continue;
    const { t, h } = gd._fullLayout._size;
    Object.assign(line.style, { left: `${axis._offset + x}px`, top: `${t}px`, height: `${h}px` });
  }
}
