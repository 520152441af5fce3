/** Times for people: `<time data-ago>` says how long ago it was, `<time data-exact>` is in the browser's own zone. */
import "./range.js";
import { gettext, say } from "./words.js";

const UNITS = /** @type {const} */ ([[gettext("d"), 86400], [gettext("h"), 3600], [gettext("min"), 60], [gettext("s"), 1]]);
/** @type {Record<string, Intl.DateTimeFormatOptions>} */
const FORMS = {
  short: { month: "short", day: "numeric", hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: false },
  long: { dateStyle: "medium", timeStyle: "medium", hour12: false },
};
const language = document.documentElement.lang || undefined;
const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;

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
  const shown = parts.slice(0, 2).filter(([count, unit]) => count && !(unit === UNITS[3][0] && parts.length > 1));
  return shown.map(([count, unit]) => `${count} ${unit}`).join(" ");
}

/** @param {number} seconds @returns {string} */
export function ago(seconds) {
  const span = duration(seconds);
  const words = seconds > 0 ? gettext("%(span)s ago") : gettext("in %(span)s");
  return span ? say(words, { span }) : gettext("now");
}

function tick() {
  for (const time of document.querySelectorAll("time[data-ago]")) {
    const seconds = (Date.now() - Date.parse(time.getAttribute("datetime") ?? "")) / 1000;
    const text = ago(seconds);
    if (time.textContent !== text) time.textContent = text;
  }
  localise();
}

/** A page that follows live brings times in UTC again, so each look goes over those that are not local yet. */
function localise() {
  for (const time of /** @type {NodeListOf<HTMLTimeElement>} */ (document.querySelectorAll("time[data-exact]"))) {
    const at = new Date(time.dateTime);
    if (Number.isNaN(at.getTime())) continue;
    const text = new Intl.DateTimeFormat(language, FORMS[time.dataset.exact || "long"] ?? FORMS.long).format(at);
    if (time.textContent === text) continue;
    time.title = `${at.toISOString().slice(0, 19).replace("T", " ")} UTC`;
    time.textContent = text;
  }
  for (const place of document.querySelectorAll("[data-zone]")) {
    if (place.textContent !== zone) place.textContent = zone;
  }
}

tick();
setInterval(tick, 1000);
