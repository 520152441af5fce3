// @ts-check
/** Tests texts against a pattern, away from the page: a pattern may take for ever, and only a worker can be ended. */

onmessage = (event) => {
  const pattern = new RegExp(event.data.pattern, "i");
  const hits = Uint8Array.from(event.data.texts, (/** @type {string} */ text) => +pattern.test(text));
  /** @type {any} */ (globalThis).postMessage(hits, [hits.buffer]);
};
