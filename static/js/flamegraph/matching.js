// @ts-check
/** Which of many texts a search means. A pattern runs in a worker that is ended when it takes too long (ReDoS). */

import { gettext } from "../words.js";

/** A pattern that needs longer on all names of a profile is not a search that somebody meant. */
const MOST_MS = 1000;
/** The search that goes on, which a newer one ends. @type {Worker | null} */
let running = null;

/** A search that cannot be made; the message is for the person who typed it. */
export class BadPattern extends Error {}

/**
 * 1 for each text that matches; case does not matter.
 *
 * @param {string[]} texts
 * @param {string} wanted
 * @param {boolean} regex
 * @returns {Promise<Uint8Array>}
 * @throws {BadPattern}
 */
export async function matchesOf(texts, wanted, regex) {
  if (regex) return byPattern(texts, wanted);
  const lower = wanted.toLowerCase();
  return Uint8Array.from(texts, (text) => +text.toLowerCase().includes(lower));
}

/**
 * @param {string[]} texts
 * @param {string} pattern
 * @returns {Promise<Uint8Array>}
 */
function byPattern(texts, pattern) {
  try {
    new RegExp(pattern, "i");
  } catch (error) {
    const reason = error instanceof Error ? (error.message.split(": ").pop() ?? "") : "";
    return Promise.reject(new BadPattern(gettext("Not a pattern: %(reason)s", { reason })));
  }
  running?.terminate();
  const worker = (running = new Worker(new URL("./matching.worker.js", import.meta.url)));
  return new Promise((found, failed) => {
    const giveUp = setTimeout(() => {
      worker.terminate();
      failed(new BadPattern(gettext("The pattern takes too long; write it without nested repetitions such as (a+)+")));
    }, MOST_MS);
    worker.onmessage = (event) => {
      clearTimeout(giveUp);
      worker.terminate();
      found(event.data);
    };
    worker.postMessage({ texts, pattern });
  });
}
