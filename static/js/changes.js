/** The Changes page: filters in place, and follows the changes live. */
import { every, refresh, swapInPlace } from "./live.js";

swapInPlace();
every(10, () => refresh());
