// @ts-check
/** A function's share slice by slice: bars to click, each of which is a narrower range, and the same as a table. */

import { gettext, LANGUAGE } from "../words.js";
import { percent, whole } from "./details.js";

/** @typedef {{width_seconds: number, starts: string[], samples: number[], self: (number | null)[], total: (number | null)[]}} Shares */

const SVG = "http://www.w3.org/2000/svg";
const HEIGHT = 60;
const TIME = new Intl.DateTimeFormat(LANGUAGE, { dateStyle: "short", timeStyle: "medium", timeZone: "UTC" });

/**
 * @param {HTMLElement} section  with the parts `time`, `time-words`, `bars` and `slices`
 * @param {Shares} shares
 */
export function showShares(section, shares) {
  const part = (/** @type {string} */ name) => /** @type {HTMLElement} */ (section.querySelector(`[data-part="${name}"]`));
  const known = shares.total.filter((value) => value !== null);
  part("time").hidden = known.length < 2;
  if (known.length < 2) return;
  const most = Math.max(...known);
  part("time-words").textContent = gettext(
    "Share over time: %(least)s to %(most)s. The dark part is the function itself; a click shows that slice alone.",
    { least: percent(Math.min(...known), 1), most: percent(most, 1) },
  );
  part("bars").replaceChildren(bars(shares, most || 1));
  /** @type {HTMLTableElement} */ (part("slices")).tBodies[0].replaceChildren(...shares.starts.map((_, at) => row(shares, at)));
}

/**
 * @param {Shares} shares
 * @param {number} most
 */
function bars(shares, most) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", `0 0 ${shares.starts.length} ${HEIGHT}`);
  svg.setAttribute("preserveAspectRatio", "none");
  svg.setAttribute("class", "function__bars");
  svg.setAttribute("aria-hidden", "true"); // the table below says the same
  shares.starts.forEach((_, at) => {
    const link = document.createElementNS(SVG, "a");
    const title = document.createElementNS(SVG, "title");
    title.textContent = words(shares, at);
    link.setAttribute("href", sliceAddress(shares, at));
    link.setAttribute("tabindex", "-1");
    link.append(title, bar(at, HEIGHT, "slot"));
    link.append(bar(at, ((shares.total[at] ?? 0) / most) * HEIGHT, "total"));
    link.append(bar(at, ((shares.self[at] ?? 0) / most) * HEIGHT, "self"));
    svg.append(link);
  });
  return svg;
}

/**
 * @param {number} at
 * @param {number} height
 * @param {string} kind
 */
function bar(at, height, kind) {
  const rect = document.createElementNS(SVG, "rect");
  rect.setAttribute("class", `function__bar function__bar--${kind}`);
  for (const [name, value] of Object.entries({ x: at + 0.05, y: HEIGHT - height, width: 0.9, height })) {
    rect.setAttribute(name, String(value));
  }
  return rect;
}

/** @param {Shares} shares @param {number} at */
function sliceAddress(shares, at) {
  const address = new URL(location.href);
  const from = Date.parse(shares.starts[at]) / 1000;
  address.searchParams.set("from", String(from));
  address.searchParams.set("to", String(from + shares.width_seconds));
  return `${address.pathname}${address.search}`;
}

/** @param {Shares} shares @param {number} at */
function words(shares, at) {
  const total = shares.total[at];
  const time = TIME.format(new Date(shares.starts[at]));
  if (total === null) return gettext("%(time)s UTC: nothing was sampled", { time });
  const self = percent(shares.self[at] ?? 0, 1);
  return gettext("%(time)s UTC: total %(total)s, self %(self)s", { time, total: percent(total, 1), self });
}

/** @param {Shares} shares @param {number} at */
function row(shares, at) {
  const line = document.createElement("tr");
  const when = document.createElement("th");
  const link = document.createElement("a");
  when.scope = "row";
  link.href = sliceAddress(shares, at);
  link.textContent = TIME.format(new Date(shares.starts[at]));
  when.append(link);
  line.append(when, cell(share(shares.self[at])), cell(share(shares.total[at])), cell(whole(shares.samples[at])));
  return line;
}

/** @param {number | null} value */
function share(value) {
  return value === null ? "–" : percent(value, 1);
}

/** @param {string} text */
function cell(text) {
  const made = document.createElement("td");
  made.className = "number";
  made.textContent = text;
  return made;
}
