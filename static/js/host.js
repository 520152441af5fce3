/** The Host page: groups of charts, and tables that order in place; both follow the host live. */
import { follow } from "./groups.js";
import { swapInPlace } from "./live.js";

swapInPlace();
follow();
