/** The Collectors page and that of one collector: order in place, follow live, copy the lines. */
import "./copy.js";
import { every, refresh, swapInPlace } from "./live.js";

swapInPlace();
every(5, () => refresh());
