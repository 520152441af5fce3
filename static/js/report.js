// @ts-check
/** The page of a report: its link can be copied, and deleting asks once more. */

import "./copy.js";

for (const form of document.querySelectorAll("form[data-confirm]")) {
  form.addEventListener("submit", (event) => {
    if (!window.confirm(/** @type {HTMLElement} */ (form).dataset.confirm)) event.preventDefault();
  });
}
