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
  const chosen = String(given.get("target") ?? "");
  const [by, ...rest] = chosen ? chosen.split(":") : [part("by").value, part("which").value.trim()];
  const text = rest.join(":");
  const target = text ? { [by]: by === "pid" ? Number(text) : text } : {};
  const also = given.getAll("also").map(Number);
  const host = Number(given.get("host"));
  return {
    target: { ...(also.length ? { hosts: [host, ...also] } : { host }), ...target },
    kind: given.get("kind"),
    seconds: Number(part("for-seconds").hidden ? 10 : given.get("seconds")),
    hz: Number(part("for-hz").hidden ? 100 : given.get("hz")),
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
  const several = "hosts" in wanted.target;
  if (Object.keys(wanted.target).length < 2) {
    showProblem(form, "", { target: "Choose a service or a process, or name another." });
    return;
  }
  if (several && "pid" in wanted.target) {
    showProblem(form, "", { target: "A process id means something else on each host: choose a service, or one host." });
    return;
  }
  const button = /** @type {HTMLButtonElement} */ (form.querySelector('button[type="submit"]'));
  button.disabled = true;
  showProblem(form, "", {});
  try {
    const made = await send("POST", several ? "/api/v1/captures/groups" : "/api/v1/captures", wanted);
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

/** Seconds and rate are asked for only where the kind has them. @param {HTMLFormElement} form */
function fitToKind(form) {
  const chosen = /** @type {HTMLSelectElement} */ (form.elements.namedItem("kind")).selectedOptions[0];
  part("for-seconds").hidden = chosen?.dataset.lasts === "0";
  part("for-hz").hidden = chosen?.dataset.rated === "0";
}

/** What to offer first for a process, by what it is; a kind that a person chose stays. */
const FIRST = { python: ["python_cpu"], go: ["go_cpu", "native_cpu"] };

/** @param {HTMLFormElement} form @param {string} runtime */
function offerFor(form, runtime) {
  const select = /** @type {HTMLSelectElement} */ (form.elements.namedItem("kind"));
  if (!runtime || select.dataset.chosen) return;
  const language = runtime.replace(/[\d.]+$/, "");
  for (const name of FIRST[/** @type {keyof typeof FIRST} */ (language)] ?? ["native_cpu"]) {
    const option = [...select.options].find((each) => each.value === name && !each.disabled);
    if (!option) continue;
    option.selected = true;
    break;
  }
  fitToKind(form);
}

/** @param {HTMLFormElement} form */
function countHosts(form) {
  const also = new FormData(form).getAll("also").length;
  const place = part("how-many");
  if (place) place.textContent = also ? `on ${also + 1} hosts at once` : "";
}

/**
 * Another host brings other processes and kinds. The lists stay as they are while a person chooses from them: only now
 * are they marked for the refresh, which takes the mark off again, since the server does not set it.
 *
 * @param {HTMLFormElement} form
 * @param {string} host
 */
async function changeHost(form, host) {
  const address = new URL(location.href);
  address.searchParams.set("host", host);
  for (const name of ["pid", "service"]) address.searchParams.delete(name);
  history.replaceState(null, "", address);
  for (const name of ["processes", "kinds", "others"]) document.getElementById(name)?.setAttribute("data-live", "");
  await refresh();
  filter();
  fitToKind(form);
  countHosts(form);
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
  for (const name of ["which", "by"]) part(name).addEventListener("input", () => (part("other").checked = true));
  form.addEventListener("change", (event) => {
    const field = /** @type {HTMLInputElement} */ (event.target);
    if (field.name === "host") void changeHost(form, field.value);
    if (field.name === "target") offerFor(form, field.closest("li")?.dataset.runtime ?? "");
    if (field.name === "also") countHosts(form);
    if (field.name !== "kind") return;
    field.dataset.chosen = "1";
    fitToKind(form);
  });
  fitToKind(form);
}

if (form) bind(form);
form?.querySelector("li :checked")?.scrollIntoView({ block: "nearest" });
document.querySelector("form[data-filter]")?.addEventListener("change", (event) => {
  const filters = /** @type {HTMLFormElement} */ (event.currentTarget);
  const fields = [...new FormData(filters)].filter(([, value]) => value !== "").map(([name, value]) => [name, String(value)]);
  location.assign(`${location.pathname}?${new URLSearchParams(fields)}`);
});
every(LIST_SECONDS, () => {
  const address = new URL(location.href);
  address.searchParams.set("list", "1");
  return refresh(address.href);
});
