// @ts-check
/** Reads from the JSON API with the page's session. */

import { gettext } from "./words.js";

/**
 * @param {string | undefined} address
 * @returns {Promise<any>}
 * @throws {Error} with the API's own words
 */
export async function get(address) {
  const answer = await fetch(address ?? "", { headers: { Accept: "application/json" } }).catch(() => {
    throw new Error(gettext("The server was not reached; check the connection and load the page again."));
  });
  if (answer.ok) return answer.json();
  const problem = await answer.json().catch(() => ({}));
  const told = gettext("The server answered %(status)s.", { status: `${answer.status} ${answer.statusText}` });
  throw new Error(problem.detail ?? told);
}
