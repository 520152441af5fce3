// @ts-check
/** The Heat map page: a region becomes a flame graph below, and with a kept base the address of a difference. */

import { bindChoice } from "./choice.js";
import { get } from "./fetch.js";
import { put } from "./flamegraph/address.js";
import { whole } from "./flamegraph/details.js";
import { loadProfile } from "./flamegraph/load.js";
import { HeatCanvas } from "./heatmap/canvas.js";
import { cellsOf, millisecondsOf, regionOf, samplesIn } from "./heatmap/cells.js";
import { gettext, LANGUAGE, ngettext } from "./words.js";

/** @typedef {import("./heatmap/cells.js").HeatMap} HeatMap */
/** @typedef {import("./heatmap/cells.js").Region} Region */

const TIME = new Intl.DateTimeFormat(LANGUAGE, { timeStyle: "medium", timeZone: "UTC" });
const section = /** @type {HTMLElement | null} */ (document.querySelector("[data-heatmap]"));

/** @param {string} name */
function part(name) {
  return /** @type {HTMLElement} */ (section?.querySelector(`[data-part="${name}"]`));
}

/** @param {HTMLElement} section */
async function load(section) {
  try {
    const found = /** @type {HeatMap} */ (await get(section.dataset.heatmap));
    part("words").textContent = summary(found);
    part("map").hidden = !found.total;
    if (found.total) draw(section, found);
  } catch (error) {
    part("words").textContent = "";
    part("problem-words").textContent = error instanceof Error ? error.message : String(error);
    part("problem").hidden = false;
  }
}

/** @param {HeatMap} found */
function summary(found) {
  if (!found.total) return gettext("No sample in this range tells when it was taken.");
  const words = [
    ngettext("%(count)s sample in %(seconds)s seconds", "%(count)s samples in %(seconds)s seconds", found.total, {
      count: whole(found.total),
      seconds: whole(found.seconds),
    }),
    gettext("at most %(most)s in a cell of %(ms)s ms", { most: whole(found.most), ms: 1000 / found.rows }),
  ];
  if (found.untimed) {
    words.push(gettext("%(count)s more profiles do not tell when their samples were taken and are left out", { count: whole(found.untimed) }));
  }
  return words.join(" · ");
}

/**
 * @param {HTMLElement} section
 * @param {HeatMap} found
 */
function draw(section, found) {
  const canvas = /** @type {HTMLCanvasElement} */ (part("canvas"));
  const [show, keep] = [/** @type {HTMLButtonElement} */ (part("show")), /** @type {HTMLButtonElement} */ (part("base"))];
  canvas.setAttribute("aria-label", gettext("Heat map, %(summary)s", { summary: summary(found) }));
  const map = new HeatCanvas(canvas, part("window"), found, {
    selected: (region) => {
      part("selection").textContent = region ? inWords(found, region) : "";
      show.disabled = keep.disabled = !region;
      offerDifference(section, map);
    },
    shown: () => void showRegion(map),
    kept: () => keepBase(section, map),
  });
  part("first").textContent = gettext("%(time)s UTC", { time: TIME.format(new Date(found.start * 1000)) });
  part("last").textContent = gettext("%(time)s UTC", { time: TIME.format(new Date((found.start + found.seconds) * 1000)) });
  show.addEventListener("click", () => void showRegion(map));
  keep.addEventListener("click", () => keepBase(section, map));
  const given = new URL(location.href).searchParams;
  const base = regionOf(found, given.get("base.cells") ?? "");
  if (base) map.keep(base);
  const region = regionOf(found, given.get("cells") ?? "");
  if (!region) return;
  map.select(region);
  void showRegion(map);
}

/**
 * @param {HeatMap} found
 * @param {Region} region
 */
function inWords(found, region) {
  const at = (/** @type {number} */ column) => TIME.format(new Date((found.start + column) * 1000));
  const [from, to] = millisecondsOf(found, region);
  const samples = samplesIn(found, region);
  const values = { first: at(region.left), last: at(region.right), from, to, count: whole(samples) };
  if (region.left === region.right) {
    return ngettext("%(first)s UTC, %(from)s to %(to)s ms: %(count)s sample", "%(first)s UTC, %(from)s to %(to)s ms: %(count)s samples", samples, values);
  }
  return ngettext(
    "%(first)s to %(last)s UTC, of each second %(from)s to %(to)s ms: %(count)s sample",
    "%(first)s to %(last)s UTC, of each second %(from)s to %(to)s ms: %(count)s samples",
    samples,
    values,
  );
}

/** @param {HTMLElement} section @param {HeatCanvas} map */
function keepBase(section, map) {
  if (!map.region) return;
  map.keep(map.region);
  put("base.cells", cellsOf(map.map, map.region));
  offerDifference(section, map);
}

/** @param {HTMLElement} section @param {HeatCanvas} map */
function offerDifference(section, map) {
  const link = /** @type {HTMLAnchorElement} */ (part("compare"));
  const different = map.base && map.region && cellsOf(map.map, map.base) !== cellsOf(map.map, map.region);
  link.hidden = !different;
  if (!map.base || !map.region) return;
  const regions = { cells: cellsOf(map.map, map.region), "base.cells": cellsOf(map.map, map.base) };
  const address = new URL(section.dataset.compare ?? "", location.href);
  const captured = address.searchParams.has("capture"); // which has its own range
  const span = captured ? {} : { from: String(map.map.start), to: String(map.map.start + map.map.seconds) };
  for (const [name, value] of Object.entries({ ...span, ...regions })) address.searchParams.set(name, value);
  link.href = `${address.pathname}${address.search}`;
}

/** @param {HeatCanvas} map */
async function showRegion(map) {
  if (!map.region) return;
  const cells = cellsOf(map.map, map.region);
  const region = /** @type {HTMLElement} */ (document.querySelector('[data-part="region"]'));
  const profile = /** @type {HTMLElement} */ (region.querySelector("[data-profile]"));
  const panel = /** @type {HTMLElement} */ (region.querySelector("[data-function]"));
  put("cells", cells);
  region.hidden = false;
  profile.dataset.graph = withCells(profile.dataset.graph, cells);
  profile.dataset.top = withCells(profile.dataset.top, cells);
  panel.dataset.sandwich = withCells(panel.dataset.sandwich, cells);
  panel.dataset.shares = ""; // a region has no course over time
  for (const link of /** @type {NodeListOf<HTMLAnchorElement>} */ (profile.querySelectorAll("a[download]"))) {
    link.href = withCells(link.href, cells);
  }
  await loadProfile(profile);
  region.scrollIntoView({ block: "nearest" });
}

/**
 * @param {string | undefined} given
 * @param {string} cells
 */
function withCells(given, cells) {
  const address = new URL(given ?? "", location.href);
  address.searchParams.set("cells", cells);
  return `${address.pathname}${address.search}`;
}

bindChoice();
if (section) void load(section);
