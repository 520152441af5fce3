/** The overview follows what is wrong live. */
import { every, refresh } from "./live.js";

every(5, () => refresh());
