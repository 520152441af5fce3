/** The Findings page: filters in place, and follows the findings live. */
import { every, refresh, swapInPlace } from "./live.js";

swapInPlace();
every(5, () => refresh());
