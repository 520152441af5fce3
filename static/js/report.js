// @ts-check
/** The page of a report: its link can be copied, and deleting asks once more. */

import "./confirm.js";
import "./copy.js";
