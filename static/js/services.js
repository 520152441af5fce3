/** The Services page: orders and filters in place, and follows the services live. */
import { every, refresh, swapInPlace } from "./live.js";

swapInPlace();
if (document.querySelector("[data-live-state]")) every(10, () => refresh());
