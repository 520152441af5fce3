/** The Hosts page: orders and filters in place, and follows the hosts live. A large fleet has a table of its own. */
import { every, refresh, swapInPlace } from "./live.js";
import { followMany } from "./manyhosts.js";

const many = document.getElementById("all-rows");
if (many) followMany(JSON.parse(many.textContent ?? ""));
else {
  swapInPlace();
  every(5, () => refresh());
}
