// @ts-check
/** Sends a chosen file as it is and opens what became of it; what the server cannot read is said in its words. */

import { gettext } from "./words.js";

const MOST_BYTES = 16 * 1024 * 1024;
const form = /** @type {HTMLFormElement | null} */ (document.querySelector("form[data-upload]"));

/** @param {HTMLFormElement} form @param {string} words */
function tell(form, words) {
  const problem = /** @type {HTMLElement} */ (form.querySelector('[data-part="upload-problem"]'));
  problem.textContent = words;
  problem.hidden = !words;
}

/** @param {File} file @returns {Promise<string>} where the profile is shown */
async function upload(file) {
  if (file.size > MOST_BYTES) throw new Error(gettext("%(name)s is larger than 16 MiB; compress it with gzip, or record a shorter time.", { name: file.name }));
  const token = document.querySelector('meta[name="csrf-token"]')?.getAttribute("content") ?? "";
  const headers = { "Content-Type": "application/octet-stream", "X-CSRFToken": token };
  const address = `/api/v1/profiles/uploads?${new URLSearchParams({ name: file.name.slice(-200) })}`;
  const answer = await fetch(address, { method: "POST", headers, body: file }).catch(() => {
    throw new Error(gettext("The server was not reached; check the connection and try again."));
  });
  const found = await answer.json().catch(() => ({}));
  if (answer.ok) return found.url;
  throw new Error(found.detail ?? gettext("The server answered %(status)s.", { status: `${answer.status} ${answer.statusText}` }));
}

form?.addEventListener("submit", async (event) => {
  event.preventDefault();
  const file = /** @type {HTMLInputElement} */ (form.elements.namedItem("file")).files?.[0];
  const button = /** @type {HTMLButtonElement} */ (form.querySelector("button"));
  if (!file) return;
  tell(form, "");
  button.disabled = true;
  try {
    location.href = await upload(file);
  } catch (error) {
    tell(form, error instanceof Error ? error.message : String(error));
    button.disabled = false;
  }
});
