// @ts-check
/** The form of a profile's choice: it shows at once, and what is left at its default does not stand in the address. */

export function bindChoice() {
  for (const form of /** @type {NodeListOf<HTMLFormElement>} */ (document.querySelectorAll("form[data-choice]"))) {
    form.addEventListener("change", () => {
      for (const field of form.elements) {
        const choice = field instanceof HTMLSelectElement || field instanceof HTMLInputElement;
        if (choice && !field.value) field.disabled = true;
      }
      form.submit();
    });
  }
  // Coming back by the browser's history must not find the fields that were left out.
  addEventListener("pageshow", () => {
    document.querySelectorAll("form[data-choice] :disabled").forEach((field) => field.removeAttribute("disabled"));
  });
}
