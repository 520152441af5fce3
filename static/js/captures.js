// @ts-check
/** The Captures page: the form asks the API for a capture; the list follows what goes on. */

import { ApiProblem, send } from "./api.js";
import { every, refresh } from "./live.js";

const form = /** @type {HTMLFormElement | null} */ (document.querySelector("form[data-new]"));
const LIST_SECONDS = 2;

/** @param {string} name */
function part(name) {
  return /** @type {HTMLInputElement} */ (form?.querySelector(`[data-part="${name}"]`));
}

/** @param {HTMLFormElement} form */
function requestOf(form) {
  const given = new FormData(form);
  const [by, ...rest] = String(given.get("target") ?? "").split(":");
  const target = rest.join(":") || (by === "pid" ? part("pid").value : "");
  return {
    target: { host: Number(given.get("host")), ...(target ? { [by]: by === "pid" ? Number(target) : target } : {}) },
    kind: given.get("kind"),
    seconds: Number(given.get("seconds")),
    hz: Number(given.get("hz")),
    reason: given.get("reason"),
  };
}

/**
 * Each error beside its field; what belongs to no field comes first.
 *
 * @param {HTMLFormElement} form
 * @param {string} message
 * @param {Record<string, string>} errors
 */
function showProblem(form, message, errors) {
  const left = new Set(Object.keys(errors));
  for (const place of form.querySelectorAll("[data-error]")) {
    const name = place.getAttribute("data-error") ?? "";
    const field = Object.keys(errors).find((key) => key === name || key.startsWith(`${name}.`));
    place.textContent = field ? errors[field] : "";
    if (field) left.delete(field);
  }
  const told = Object.keys(errors).length > 0 && left.size === 0;
  part("problem").textContent = told ? "" : message;
  part("problem").hidden = told || !message;
}

/** @param {HTMLFormElement} form */
async function ask(form) {
  const wanted = requestOf(form);
  if (Object.keys(wanted.target).length < 2) {
    showProblem(form, "", { target: "Choose a service or a process." });
    return;
  }
  const button = /** @type {HTMLButtonElement} */ (form.querySelector('button[type="submit"]'));
  button.disabled = true;
  showProblem(form, "", {});
  try {
    const made = await send("POST", "/api/v1/captures", wanted);
    location.assign(made.url);
  } catch (error) {
    if (!(error instanceof ApiProblem)) throw error;
    showProblem(form, error.message, error.errors);
    button.disabled = false;
  }
}

/** Hides what the filter text does not fit. */
function filter() {
  const wanted = part("filter").value.trim().toLowerCase();
  for (const item of form?.querySelectorAll("[data-words]") ?? []) {
    /** @type {HTMLElement} */ (item).hidden = !(item.getAttribute("data-words") ?? "").includes(wanted);
  }
}

/** @param {HTMLFormElement} form */
function bind(form) {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    void ask(form);
  });
  part("filter").addEventListener("input", filter);
  part("filter").addEventListener("keydown", (event) => {
    if (event.key === "Enter") event.preventDefault();
  });
  part("pid").addEventListener("input", () => (part("other").checked = true));
  form.querySelector('[name="host"]')?.addEventListener("change", (event) => {
    const address = new URL(location.href);
    address.searchParams.set("host", /** @type {HTMLSelectElement} */ (event.target).value);
    for (const name of ["pid", "service"]) address.searchParams.delete(name);
    history.replaceState(null, "", address);
    // The list stays as it is while a person chooses from it; only another host brings another list. The refresh takes
    // the mark off again: the server does not set it.
    document.getElementById("processes")?.setAttribute("data-live", "");
    void refresh().then(filter);
  });
}

if (form) bind(form);
form?.querySelector("li :checked")?.scrollIntoView({ block: "nearest" });
every(LIST_SECONDS, () => {
  const address = new URL(location.href);
  address.searchParams.set("list", "1");
  return refresh(address.href);
});
