// @ts-check
/** One capture: follows its events, or asks again and again where they cannot be reached; shows the result. */

import { ApiProblem, send } from "./api.js";
import { loadProfile } from "./flamegraph/load.js";

/** @typedef {{name: string, bytes: number, url: string}} File */
/**
 * @typedef {object} Capture
 * @property {string} id
 * @property {string} state
 * @property {number | null} place  in the line before its host
 * @property {number} progress
 * @property {string} message
 * @property {boolean} partial
 * @property {object | null} result
 * @property {File[]} files
 */

const ENDED = new Set(["done", "failed", "refused", "cancelled", "expired"]);
const POLL_MS = 1000;
/** The browser tries again by itself after a broken connection; after so many failures in a row the page asks itself. */
const MOST_FAILURES = 2;

/** @param {string} id */
function json(id) {
  return JSON.parse(document.getElementById(id)?.textContent ?? "null");
}

/** @param {string} name */
function part(name) {
  return /** @type {HTMLElement | null} */ (document.querySelector(`[data-part="${name}"]`));
}

/** @type {Capture} */
let capture = json("capture");
/** @type {Record<string, {text: string, chip: string}>} */
const words = json("words");
const address = `/api/v1/captures/${capture.id}`;
let loaded = false;

/** @param {Capture} now */
function show(now) {
  if (ENDED.has(capture.state) && !ENDED.has(now.state)) return; // an event that was overtaken
  capture = now;
  const partial = now.partial && now.state === "done";
  const { text, chip } = words[now.state];
  const state = /** @type {HTMLElement} */ (part("state"));
  state.textContent = partial ? `${text}, in part` : text;
  state.className = partial ? "chip chip--warning" : chip ? `chip chip--${chip}` : "chip";
  /** @type {HTMLElement} */ (part("message")).textContent = inWords(now);
  const bar = /** @type {HTMLProgressElement} */ (part("bar"));
  const ended = ENDED.has(now.state);
  bar.hidden = ended;
  if (now.state === "running" || ended) bar.value = now.progress;
  else bar.removeAttribute("value");
  const cancel = part("cancel");
  if (cancel) cancel.hidden = ended;
  part("files")?.replaceChildren(...now.files.map(fileItem));
  if (now.result) void showResult();
}

/** @param {Capture} now */
function inWords(now) {
  return now.place ? `${now.message} It is number ${now.place} in the line.` : now.message;
}

/** @param {File} file */
function fileItem(file) {
  const item = document.createElement("li");
  const link = document.createElement("a");
  const size = document.createElement("span");
  link.href = file.url;
  link.download = file.name;
  link.textContent = file.name;
  size.className = "faint";
  size.textContent = ` ${(file.bytes / 2 ** 20).toLocaleString("en", { maximumFractionDigits: 1 })} MiB`;
  item.append(link, size);
  return item;
}

async function showResult() {
  if (loaded) return;
  loaded = true;
  /** @type {HTMLElement} */ (part("result")).hidden = false;
  /** @type {HTMLElement} */ (part("compare")).hidden = false;
  await loadProfile(/** @type {HTMLElement} */ (document.querySelector("[data-profile]")));
}

function follow() {
  const source = new EventSource(`${address}/events`);
  let failures = 0;
  source.onmessage = (event) => {
    failures = 0;
    show(JSON.parse(event.data));
    if (ENDED.has(capture.state)) source.close();
  };
  source.onerror = () => {
    failures += 1;
    if (ENDED.has(capture.state)) source.close();
    else if (source.readyState === EventSource.CLOSED || failures >= MOST_FAILURES) {
      source.close();
      void poll();
    }
  };
}

async function poll() {
  while (!ENDED.has(capture.state)) {
    const answer = await fetch(address).catch(() => null);
    if (answer?.ok) show(await answer.json());
    await new Promise((done) => setTimeout(done, POLL_MS));
  }
}

part("cancel")?.addEventListener("click", async () => {
  const problem = /** @type {HTMLElement} */ (part("problem-of-cancel"));
  try {
    show(await send("DELETE", address));
  } catch (error) {
    if (!(error instanceof ApiProblem)) throw error;
    problem.textContent = error.message;
    problem.hidden = false;
  }
});

show(capture);
if (!ENDED.has(capture.state)) follow();
