// @ts-check
/** Writes to the JSON API with the page's session. */

/** An answer that is not a success: `message` is the API's own words, `errors` is by field. */
export class ApiProblem extends Error {
  /**
   * @param {string} message
   * @param {Record<string, string>} errors
   */
  constructor(message, errors) {
    super(message);
    this.errors = errors;
  }
}

/**
 * @param {"POST" | "DELETE"} method
 * @param {string} address
 * @param {unknown} [body]
 * @returns {Promise<any>}
 * @throws {ApiProblem}
 */
export async function send(method, address, body) {
  const token = document.querySelector('meta[name="csrf-token"]')?.getAttribute("content") ?? "";
  const request = {
    method,
    headers: { "Content-Type": "application/json", "X-CSRFToken": token },
    body: body === undefined ? undefined : JSON.stringify(body),
  };
  const answer = await fetch(address, request).catch(() => {
    throw new ApiProblem("The server was not reached; check the connection and try again.", {});
  });
  const found = await answer.json().catch(() => ({}));
  if (answer.ok) return found;
  throw new ApiProblem(found.detail ?? `The server answered ${answer.status} ${answer.statusText}.`, found.errors ?? {});
}
