/** The Hosts page: orders and filters in place, and follows the hosts live. */
import { every, refresh, swapInPlace } from "./live.js";

swapInPlace();
every(5, () => refresh());
