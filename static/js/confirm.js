// @ts-check
/** `<form data-confirm="question">` asks once more before it is sent. */

for (const form of document.querySelectorAll("form[data-confirm]")) {
  form.addEventListener("submit", (event) => {
    if (!window.confirm(/** @type {HTMLElement} */ (form).dataset.confirm)) event.preventDefault();
  });
}
