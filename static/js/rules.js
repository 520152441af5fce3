/** The Rules page follows how often each rule finds something. */
import { every, refresh } from "./live.js";

every(30, () => refresh());
