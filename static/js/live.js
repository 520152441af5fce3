/**
 * Live pages without flicker: the page's own address is fetched again and what changed inside `[data-live]` is
 * brought over, node by node, so that focus, scrolling and opened details stay.
 */

/** @param {string} address @returns {Promise<void>} */
export async function refresh(address = location.href) {
  const answer = await fetch(address, { headers: { Accept: "text/html" } });
  if (answer.redirected && new URL(answer.url).pathname.startsWith("/sign-in")) return location.reload();
  if (!answer.ok) throw new Error(`refresh: ${answer.status} ${answer.statusText}`);
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const region of document.querySelectorAll("[data-live]")) {
    const next = fresh.getElementById(region.id);
    if (next) morph(region, next);
  }
}

/** @param {Node} old @param {Node} next */
function morph(old, next) {
  if (old instanceof Element && next instanceof Element) {
    if (old === document.activeElement && old.matches("input, select, textarea")) return;
    copyAttributes(old, next);
  } else if (old.nodeValue !== next.nodeValue) old.nodeValue = next.nodeValue;
  const wanted = [...next.childNodes];
  wanted.forEach((child, place) => {
    const present = old.childNodes[place];
    if (!present) old.appendChild(document.adoptNode(child));
    else if (present.nodeName === child.nodeName && keyOf(present) === keyOf(child)) morph(present, child);
    else old.replaceChild(document.adoptNode(child), present);
  });
  while (old.childNodes.length > wanted.length) old.lastChild?.remove();
}

/** What must not turn into something else: a row keeps its focus and opened parts only if it is the same row. */
function keyOf(/** @type {Node} */ node) {
  return node instanceof HTMLElement ? node.dataset.key : undefined;
}

/** @param {Element} old @param {Element} next */
function copyAttributes(old, next) {
  for (const { name, value } of next.attributes) {
    if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  }
  for (const { name } of [...old.attributes]) {
    // A person opens details; the server does not know.
    if (!next.hasAttribute(name) && name !== "open") old.removeAttribute(name);
  }
}

/**
 * Calls `work` every `seconds` while the page is visible, and shows on `[data-live-state]` whether that goes well.
 * @param {number} seconds @param {() => Promise<unknown>} work
 */
export function every(seconds, work) {
  let running = false;
  const run = async () => {
    if (document.hidden || running) return;
    running = true;
    try {
      await work();
      say("live");
    } catch (error) {
      say("stale");
      console.warn(String(error));
    } finally {
      running = false;
    }
  };
  setInterval(run, seconds * 1000);
  document.addEventListener("visibilitychange", run);
}

/** @param {"live" | "stale"} state */
function say(state) {
  for (const sign of document.querySelectorAll("[data-live-state]")) sign.setAttribute("data-live-state", state);
}

/**
 * Links and the form inside `[data-swap]` change the live regions in place; their address becomes the page's.
 * Without script they are plain links and a plain form.
 */
export function swapInPlace() {
  const go = async (/** @type {string} */ address, replace = false) => {
    history[replace ? "replaceState" : "pushState"](null, "", address);
    try {
      await refresh(address);
    } catch {
      location.assign(address);
    }
  };
  document.addEventListener("click", (event) => {
    const link = event.target instanceof Element ? event.target.closest("[data-swap] a[data-order]") : null;
    if (!(link instanceof HTMLAnchorElement) || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    go(link.href);
  });
  for (const form of document.querySelectorAll("form[data-swap]")) {
    if (!(form instanceof HTMLFormElement)) continue;
    const submit = () => {
      const fields = [...new FormData(form)].filter(([, value]) => value !== "").map(([name, value]) => [name, String(value)]);
      go(`${form.getAttribute("action") ?? location.pathname}?${new URLSearchParams(fields)}`, true);
    };
    let waiting = 0;
    form.addEventListener("input", () => {
      clearTimeout(waiting);
      waiting = setTimeout(submit, 200);
    });
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      submit();
    });
  }
  addEventListener("popstate", () => location.reload());
}
