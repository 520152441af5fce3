// @ts-check
/** Captures of several hosts: the rows follow what goes on; when all have ended, the page loads again with the graph. */

import { ApiProblem, send } from "./api.js";
import { loadProfile } from "./flamegraph/load.js";
import { refresh } from "./live.js";

const POLL_MS = 1000;
const members = /** @type {HTMLElement} */ (document.getElementById("members"));

async function follow() {
  while (members.dataset.going !== "0") {
    await new Promise((done) => setTimeout(done, POLL_MS));
    if (!document.hidden) await refresh().catch((error) => console.warn(String(error)));
  }
  location.reload();
}

const cancel = /** @type {HTMLButtonElement | null} */ (document.querySelector("[data-cancel]"));
cancel?.addEventListener("click", async () => {
  cancel.disabled = true;
  try {
    await send("DELETE", cancel.dataset.cancel ?? "");
  } catch (error) {
    if (!(error instanceof ApiProblem)) throw error;
    const problem = /** @type {HTMLElement} */ (document.querySelector('[data-part="problem-of-cancel"]'));
    problem.textContent = error.message;
    problem.hidden = false;
    cancel.disabled = false;
  }
});

const section = /** @type {HTMLElement | null} */ (document.querySelector("[data-profile]"));
if (section) void loadProfile(section);
if (members.dataset.going !== "0") void follow();
