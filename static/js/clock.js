/** Keeps every `<time data-ago>` saying how long ago it was. */

const UNITS = /** @type {const} */ ([["d", 86400], ["h", 3600], ["min", 60], ["s", 1]]);

/**
 * @param {number} seconds
 * @returns {string} such as "3 h 20 min"
 */
export function duration(seconds) {
  let left = Math.round(Math.abs(seconds));
  const parts = [];
  for (const [unit, length] of UNITS) {
    const count = Math.floor(left / length);
    left -= count * length;
    if (count || parts.length) parts.push([count, unit]);
  }
  const shown = parts.slice(0, 2).filter(([count, unit]) => count && !(unit === "s" && parts.length > 1));
  return shown.map(([count, unit]) => `${count} ${unit}`).join(" ");
}

function tick() {
  for (const time of document.querySelectorAll("time[data-ago]")) {
    const seconds = (Date.now() - Date.parse(time.getAttribute("datetime") ?? "")) / 1000;
    const words = duration(seconds);
    const text = !words ? "now" : seconds > 0 ? `${words} ago` : `in ${words}`;
    if (time.textContent !== text) time.textContent = text;
  }
}

setInterval(tick, 1000);
