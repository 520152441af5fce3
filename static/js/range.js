/** The time range of a page in the browser's own zone; the address keeps UTC. A drag in a chart is a new range. */

/** @param {number} from @param {number} to Unix seconds */
export function show(from, to) {
  const query = new URLSearchParams(location.search);
  query.set("from", from.toFixed(0));
  query.set("to", Math.max(to, from + 1).toFixed(0));
  location.search = query.toString();
}

/** The value of a `datetime-local` field for a moment. @param {Date} at */
function field(at) {
  const local = new Date(at.getTime() - at.getTimezoneOffset() * 60_000);
  return local.toISOString().slice(0, 19);
}

for (const form of document.querySelectorAll("form[data-range-form]")) {
  const inputs = /** @type {NodeListOf<HTMLInputElement>} */ (form.querySelectorAll("input[type=datetime-local]"));
  for (const input of inputs) input.value = field(new Date(`${input.value}Z`));
  form.addEventListener("formdata", (event) => {
    const { formData } = /** @type {FormDataEvent} */ (event);
    for (const input of inputs) formData.set(input.name, new Date(input.value).toISOString().replace(".000", ""));
  });
}
