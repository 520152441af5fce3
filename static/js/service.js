/** The Service page: groups of charts, followed live. */
import { follow } from "./groups.js";

follow();
